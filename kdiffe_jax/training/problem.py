"""What a data set becomes on the device: graphs, batches and ranking tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.config import Config, ModelConfig
from kdiffe_jax.data.batches import InteractionSampler
from kdiffe_jax.data.cold_items import stand_ins
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import nearest_items, without_item_relations
from kdiffe_jax.data.knockouts import knocked_out
from kdiffe_jax.data.knowledge import ensure_knowledge
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.graph.build import build_graphs
from kdiffe_jax.graph.cache import cached_similarity
from kdiffe_jax.parallel.evaluation import split_task
from kdiffe_jax.parallel.graphs import graphs_on_mesh
from kdiffe_jax.parallel.similarity import similarity_on_mesh
from kdiffe_jax.ranking import ranking_task
from kdiffe_jax.training.memory import Limits, check_denoiser_memory
from kdiffe_jax.training.state import Parts, build_parts
from kdiffe_jax.types import Graphs

_LIMITS = Limits()


class Problem(NamedTuple):
    """Everything the loop reads and never changes."""

    dataset: Dataset
    similarity: np.ndarray  #: f32[n], S on the training interactions that it has (eq. 5)
    parts: Parts
    graphs: Graphs
    sampler: InteractionSampler
    valid: Any  #: RankingTask; a SplitTask on a mesh
    test: Any  #: likewise
    mesh: Mesh | None = None  #: the devices that train it; None is one

    def of_seed(self, seed: int) -> Problem:
        """The problem of a single run with that seed, on the same data and graphs."""
        config = self.parts.config
        train = dataclasses.replace(config.train, seed=seed, num_seeds=1)
        parts = self.parts._replace(config=dataclasses.replace(config, train=train))
        return self._replace(parts=parts, sampler=self.sampler.with_seed(seed))


def build_problem(
    dataset: Dataset,
    config: Config,
    *,
    cache_dir: Path,
    say: Callable[[str], None],
    limits: Limits = _LIMITS,
    mesh: Mesh | None = None,
) -> Problem:
    """Knowledge graph, S, Laplacian, sampler and ranking tasks.

    Args:
      dataset: as read; its notes are said aloud.
      config: all hyper-parameters.
      cache_dir: where S is kept between runs.
      say: receives one line at a time.
      limits: on the memory of the denoiser.
      mesh: whose devices train; graphs and ranking tasks then lie on them, split.

    Raises:
      DataError: a split to rank is empty.
      ConfigError: a hyper-parameter that the sizes of the data forbid, or a limit.
    """
    dataset = knocked_out(dataset, config.knockout)
    neighbours, stand_in_rows = _neighbours(dataset, config.model, say)
    if neighbours is not None:
        dataset = without_item_relations(dataset)
    dataset = ensure_knowledge(dataset, config.content)
    for note in dataset.notes:
        say(f"{dataset.name}: {note}")
    _check(dataset, config)
    sampler = InteractionSampler(
        dataset.train,
        batch_size=config.train.batch_size,
        seed=config.train.seed,
        epoch_steps=config.train.epoch_steps,
        n_users=dataset.n_users,
        n_items=dataset.n_items,
        share=dataset.share,
    )
    sizes = dict(
        n_users=dataset.n_users,
        n_items=dataset.n_items,
        n_entities=max(1, dataset.n_entities),
        n_relations=max(1, dataset.n_relations),
    )
    parts = build_parts(config, **sizes)
    check_denoiser_memory(
        config,
        limits,
        n_items=dataset.n_items,
        n_columns=parts.denoiser.n_columns,
        steps=sampler.steps_of_pass,
    )
    users_items = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    makers = _makers(mesh, dataset.share, config)
    similarity = makers.similarity(
        dataset.train, config=config.graph, directory=cache_dir, **users_items
    )
    seen_at_test = dataset.train
    if config.eval.mask_valid:
        seen = np.concatenate([dataset.train, dataset.valid])
        seen_at_test = seen[np.lexsort(seen.T[::-1])]
    graphs = makers.graphs(
        dataset.train,
        dataset.triples,
        similarity,
        config=config.graph,
        n_columns=parts.denoiser.n_columns,
        entity_items=dataset.entity_items if config.model.share_item_embeddings else None,
        neighbours=neighbours,
        stand_ins=stand_in_rows,
        **sizes,
    )
    return Problem(
        dataset=dataset,
        similarity=similarity,
        parts=parts,
        graphs=graphs,
        sampler=sampler,
        valid=makers.task(dataset.train, dataset.valid, **users_items),
        test=makers.task(seen_at_test, dataset.test, **users_items),
        mesh=mesh,
    )


class _Makers(NamedTuple):
    """What makes S, graphs and ranking tasks of interactions."""

    similarity: Callable[..., np.ndarray]
    graphs: Callable[..., Graphs]
    task: Callable[..., Any]


def _makers(mesh: Mesh | None, share: Share, config: Config) -> _Makers:
    if mesh is None:
        return _Makers(cached_similarity, build_graphs, ranking_task)
    drops = config.train.contrast == "edge_drop"
    return _Makers(
        partial(similarity_on_mesh, mesh, share=share),
        partial(graphs_on_mesh, mesh, share=share, drops_edges=drops),
        partial(split_task, mesh, share=share),
    )


def _neighbours(dataset: Dataset, config: ModelConfig, say: Callable[[str], None]):
    """Nearest items where they have weight, and stand-ins of cold items; None for each unused."""
    weighted = config.neighbour_weight or config.neighbour_smoothing
    if not weighted and config.cold_items == "own":
        return None, None
    near = nearest_items(
        dataset,
        config.nearest_items,
        by_lift=config.neighbour_kinds == "lift",
        each_relation=config.neighbour_relations == "each",
    )
    say(f"{dataset.name}: {near.note}")
    of_cold = config.cold_items != "own"
    rows = stand_ins(near.matrix, dataset.item_degrees()) if of_cold else None
    return near.matrix if weighted else None, rows


def _check(dataset: Dataset, config: Config) -> None:
    if config.train.contrast == "edge_drop" and config.graph.degree_from == "weighted":
        raise ConfigError("contrast = 'edge_drop' takes D from A; use degree_from = 'adjacency'")
    if config.eval.selection == "test" and not config.eval.score_test:
        raise ConfigError("selection = 'test' scores the test split; score_test = False forbids it")
    if config.train.num_seeds > 1 and not config.eval.score_test:
        raise ConfigError("num_seeds > 1 always scores the test split; use score_test = True")
    for split, of_what in {"train": "trained", "valid": "scored", "test": "scored"}.items():
        if not dataset.share.place(len(getattr(dataset, split)))[1]:
            raise DataError(f"{dataset.name}: the {split} split is empty; nothing can be {of_what}")
    if config.diffusion.rebuild_from == "all" and config.diffusion.denoiser_columns:
        raise ConfigError(
            f"denoiser_columns = {config.diffusion.denoiser_columns}: rebuild_from = 'all' cannot "
            "tell entities apart that share a column; use 'own', or denoiser_columns = 0"
        )
    if config.diffusion.rebuild_from == "all" and config.diffusion.top_q > dataset.n_entities:
        raise ConfigError(
            f"top_q = {config.diffusion.top_q}: there are only {dataset.n_entities} entities"
        )
