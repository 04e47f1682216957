"""New items by their entities alone, ranked for users who did choose them.

    python -m benchmarks.new_items [--preset=best --seed=0]

Every fifth item of the embedded data set is left out before training, with all that users
did with it. Then these items are added by their entities: alone, with their nearest items
of training in layer 0, and by the rows of their nearest items. Prints recall@20 over the
users who chose one: among the new items alone, and among all items that the user has not
chosen.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.evaluation.ranking import mean_metrics, metrics_per_user, ranking_task
from kdiffe_jax.models.kdiffe.presets import PRESETS
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import SavedModel
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.saving import model_of
from kdiffe_jax.training.setup import build_setup

_K, _EVERY = 20, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="best", choices=sorted(PRESETS))
    parser.add_argument("--seed", default=0, type=int)
    options = parser.parse_args()
    data = planted_dataset(seed=options.seed)
    new = np.flatnonzero(np.arange(data.n_items) % _EVERY == 0)
    values = {"batch_size": 512, "epochs": 30, "seed": options.seed, **PRESETS[options.preset]}
    model = trained(without_items(data, new), make_config(values))
    chosen = interactions_with(data, new, first=len(model.items))
    print(f"{len(new)} new items of {data.n_items}, chance among them {_K / len(new):.4f}")
    ways = {
        "entities alone": {"neighbour_weight": 0.0, "cold_items": "own"},
        "and nearest items": {"cold_items": "own"},
        "cold_items=neighbours": {"cold_items": "neighbours"},
    }
    for name, changes in ways.items():
        given = with_config(model, **changes)
        alone, all_items = (recall(given, data, new, chosen, among) for among in (True, False))
        print(f"{name:<21} recall@{_K} among new items {alone:.4f}, among all {all_items:.4f}")


def without_items(data: Dataset, items: np.ndarray) -> Dataset:
    """The data set as if these items had never been there."""
    kept = np.setdiff1d(np.arange(data.n_items), items)

    def renumbered(rows, column):
        rows = rows[np.isin(rows[:, column], kept)].copy()
        rows[:, column] = np.searchsorted(kept, rows[:, column])
        return rows

    return dataclasses.replace(
        data,
        n_items=len(kept),
        item_ids=tuple(map(str, kept)),
        triples=renumbered(data.triples, 0),
        relevant=None,
        **{split: renumbered(getattr(data, split), 1) for split in SPLITS},
    )


def interactions_with(data: Dataset, items: np.ndarray, *, first: int) -> np.ndarray:
    """int[n, 2], sorted: the pairs with these items, numbered from `first`."""
    pairs = np.concatenate([getattr(data, split) for split in SPLITS])
    pairs = pairs[np.isin(pairs[:, 1], items)]
    pairs = np.stack([pairs[:, 0], first + np.searchsorted(items, pairs[:, 1])], axis=1)
    return pairs[np.lexsort(pairs.T[::-1])]


def trained(dataset: Dataset, config: Config) -> SavedModel:
    """The model of the best epoch."""
    with tempfile.TemporaryDirectory() as work:
        setup = build_setup(dataset, config, cache_dir=Path(work) / "cache", log=print)
        with RunDirectory(Path(work) / "run").claim(config.to_flat()) as run:
            return model_of(setup, train(setup, run, on_epoch=lambda record: None, log=print))


def with_config(model: SavedModel, **changes) -> SavedModel:
    """The trained model, adding new items by another configuration."""
    config = {**model.about["config"], **changes}
    return model._replace(about={**model.about, "config": config})


def recall(model: SavedModel, data: Dataset, new, chosen: np.ndarray, among_new: bool) -> float:
    """recall@20 of the new items, added by the names of their entities."""
    names = data.relation_names, data.entity_names
    entities = {
        f"{item}": [(names[0][r], names[1][e]) for i, r, e in data.triples if i == item]
        for item in new.tolist()
    }
    recommender = Recommender(model).with_items(entities)
    task = ranking_task(np.zeros((0, 2), int), chosen, n_users=data.n_users)
    users = [recommender.users.ids[user] for user in np.asarray(task.users)]
    lists = recommender.recommend(users, _K, candidates=list(entities) if among_new else None)
    metrics = mean_metrics(metrics_per_user(lists.rows, task.relevant, cutoffs=(_K,)))
    return metrics[f"recall@{_K}"]


if __name__ == "__main__":
    main()
