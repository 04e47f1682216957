"""What a data set becomes for a model: constant structure, batches and ranking tasks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config, EmbeddingConfig, Limits, TrainConfig
from kdiffe_jax.data.cold_item_proxies import cold_item_proxies
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import feature_rows, stand_ins
from kdiffe_jax.data.item_neighbours import nearest_items, without_item_relations
from kdiffe_jax.data.kept_nearest import kept_nearest_items
from kdiffe_jax.data.knowledge import ensure_knowledge
from kdiffe_jax.data.ranked_users import slow_ranking
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.arrays import EdgeWeights, Inputs, Params, Sizes
from kdiffe_jax.models.base import Model, Needs
from kdiffe_jax.models.idle_options import idle_content, idle_options
from kdiffe_jax.models.registry import build_model, model_class
from kdiffe_jax.training.held_out import check_splits, splits_to_rank
from kdiffe_jax.training.inputs import Content, build_inputs
from kdiffe_jax.training.placement import OneDevice, Placement
from kdiffe_jax.training.sampler import InteractionSampler
from kdiffe_jax.training.user_sampler import UserSampler

_LIMITS = Limits()


class TrainSetup(NamedTuple):
    """Everything the loop reads and never changes."""

    dataset: Dataset
    config: Config
    model: Model
    inputs: Inputs
    edges: EdgeWeights  #: of the training interactions that this process has
    edges_seconds: float  #: that making or reading them took
    sampler: InteractionSampler
    stand_ins: dict[str, str]  #: what each modality is, where the data have no features
    valid: Any  #: a RankingTask, as the placement takes it; None where nothing is ranked
    test: Any  #: likewise
    placement: Placement
    #: fresh parameters -> those that the first epoch begins with; `warm_start.warm_started`
    start: Callable[[Params], Params] | None = None

    def traced(self) -> dict[str, jax.Array]:
        """The traced options as arguments of the compiled epoch.

        The learning rate is per `batch_size` interactions a step; that of a batch which has grown
        is larger by the root of how often, by which the noise of its gradients is smaller.
        """
        train, values = self.config.train, self.config.traced()
        grown = max(1.0, self.sampler.interactions_of_step / train.batch_size)
        values["learning_rate"] *= math.sqrt(grown)
        return {name: jnp.float32(value) for name, value in values.items()}

    def of_seed(self, seed: int) -> TrainSetup:
        """The setup of a single run with that seed, on the same data and structure."""
        sampler = self.sampler.with_seed(seed)
        return self._replace(config=self.config.of_seed(seed), sampler=sampler)


def build_setup(
    dataset: Dataset,
    config: Config,
    *,
    cache_dir: Path,
    log: Callable[[str], None],
    limits: Limits = _LIMITS,
    placement: Placement | None = None,
    ranked: bool = True,
) -> TrainSetup:
    """Constant structure by what the model needs, sampler and ranking tasks.

    Args:
      dataset: as read; its notes are logged.
      config: all options.
      cache_dir: where what takes long is kept between runs.
      log: receives one line at a time.
      limits: on the model's memory.
      placement: where arrays lie; one device if omitted.
      ranked: False ranks nothing, so only the training split has to be there.

    Raises:
      DataError: a split to rank is empty, or the data lack what the model needs.
      ConfigError: an option that the sizes of the data forbid, a limit, or a mesh for a model
        that takes one device.
    """
    placement = placement or OneDevice()
    content = content_of(dataset, config, log, cache_dir)
    dataset = content.dataset
    if ranked:
        check_splits(dataset, config)
    model = build_model(config, sizes_of(content))
    if model.one_device and not placement.alone:
        raise ConfigError(f"{config.model} runs on one device, without --mesh: {model.one_device}")
    sampler = build_sampler(dataset, config.train, model)
    model.check(sampler.steps_of_pass, limits)
    begun = time.perf_counter()
    edges = model.edge_weights(
        dataset.train, cache_dir=cache_dir, share=dataset.share, devices=placement.devices
    )
    edges_seconds = time.perf_counter() - begun
    valid, test = _tasks(dataset, config, model, placement, log) if ranked else (None, None)
    return TrainSetup(
        dataset=dataset,
        config=config,
        model=model,
        inputs=build_inputs(content, model, edges, placement),
        edges=edges,
        edges_seconds=edges_seconds,
        sampler=sampler,
        stand_ins=content.stand_ins,
        valid=valid,
        test=test,
        placement=placement,
    )


def _tasks(dataset: Dataset, config: Config, model: Model, placement: Placement, log) -> list:
    """Validation and test as the placement ranks them."""
    splits = splits_to_rank(dataset, config.eval)
    if slow := slow_ranking(len(np.unique(splits[0].held_out[:, 0])), dataset.n_items):
        log(f"{dataset.name}: {slow}")
    return [placement.ranking_task(*split, model.sizes) for split in splits]


def build_sampler(dataset: Dataset, train: TrainConfig, model: Model) -> InteractionSampler:
    """What draws a model's batches."""
    sampling, sizes = model.sampling, model.sizes
    n_rows = {
        "items": sizes.n_items,
        "users": sizes.n_users,
        "nodes": sizes.n_items + sizes.n_entities,
    }
    kind = UserSampler if sampling.by == "users" else InteractionSampler
    return kind(
        dataset.train,
        batch_size=train.batch_size,
        pass_steps=train.pass_steps,
        seed=train.seed,
        epoch_steps=train.epoch_steps,
        n_users=dataset.n_users,
        n_items=dataset.n_items,
        rows=0 if sampling.rows == "none" else sampling.rows_of_step,
        n_rows=n_rows.get(sampling.rows),
        n_negatives=sampling.negatives,
        among=np.flatnonzero(dataset.item_degrees()) if sampling.of_trained else None,
        share=dataset.share,
    )


def content_of(
    dataset: Dataset, config: Config, log: Callable[[str], None], cache_dir: Path | None = None
) -> Content:
    """What a model reads of the items beside interactions, as its needs name it.

    Args:
      cache_dir: where nearest items that take long are kept; None keeps none.

    Raises:
      DataError: the data lack it.
    """
    needs: Needs = _needs_of_class(config)
    dataset = ablated(dataset, config.data_ablation)
    neighbours, proxies = _neighbours(dataset, config.embedding, log, cache_dir)
    features = feature_rows(dataset, sparse_too=needs.sparse_features) if needs.features else {}
    standing_in = stand_ins(dataset) if needs.features else {}
    told = [*idle_options(config)]
    if needs.knowledge != "none":
        if neighbours is not None:
            dataset = without_item_relations(dataset)
        dataset = ensure_knowledge(dataset, config.content)
    else:
        told += idle_content(config)
    if needs.any_triples and not len(dataset.triples):
        raise DataError(
            f"{dataset.name}: has no triples, and no features to make some of, which "
            f"{config.model} reads; prepare the data with some, leave out --kg_source=none, or "
            "choose another model (python -m launch.main --models)"
        )
    for line in (*told, *(f"{dataset.name}: {note}" for note in dataset.notes)):
        log(line)
    return Content(dataset, neighbours, proxies, dict(features), standing_in)


def _needs_of_class(config: Config) -> Needs:
    """What does not depend on sizes; the model is not there yet."""
    nothing = Sizes(1, 1)
    return model_class(config.model)(
        config.options, config.embedding, config.ranking, nothing
    ).needs


def _neighbours(dataset: Dataset, config: EmbeddingConfig, log, cache_dir: Path | None):
    """Nearest items where they have weight, and proxies of cold items; None for each unused."""
    if not config.neighbour_weight and config.cold_items == "own":
        return None, None
    make = nearest_items
    if cache_dir is not None:
        make = partial(kept_nearest_items, directory=cache_dir, log=log)
    near = make(
        dataset,
        config.nearest_items,
        weighed=config.neighbour_kinds,
        each_relation=config.neighbour_relations == "each",
    )
    log(f"{dataset.name}: {near.note}")
    of_cold = config.cold_items != "own"
    rows = cold_item_proxies(near.of_cold, dataset.item_degrees()) if of_cold else None
    return near.matrix if config.neighbour_weight else None, rows


def sizes_of(content: Content) -> Sizes:
    """The sizes that a model is built for."""
    dataset = content.dataset
    return Sizes(
        dataset.n_users,
        dataset.n_items,
        max(1, dataset.n_entities),
        max(1, dataset.n_relations),
        tuple((name, rows.shape[1]) for name, rows in content.features.items()),
    )
