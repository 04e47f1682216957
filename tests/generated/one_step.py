"""One training step on a small data set, compiled once for all of the same sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from kdiffe_jax.training.state import Parts, TrainState, initial_state

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.base import Graphs
from kdiffe_jax.ops.sparse_types import EntityRows
from kdiffe_jax.training.epoch import Compiled, compile_parts, traced_of
from kdiffe_jax.training.setup import TrainSetup, build_setup

SMALL = dict(
    dim=4,
    denoiser_width=8,
    walk_length=3,
    walks_per_node=2,
    timesteps=2,
    theta_1=0.1,
    kg_source="triples",
)


class Programs(NamedTuple):
    """What is compiled, for one configuration and one set of sizes."""

    start: Callable[[Graphs], TrainState]
    compiled: Compiled


def fitted(dataset: Dataset, *, users: int, items: int, entities: int, relations: int) -> Dataset:
    """The data set with users, items and entities that nothing is known of, up to some sizes."""
    more = [f"relation {number}" for number in range(dataset.n_relations, relations)]
    return dataclasses.replace(
        dataset,
        n_users=users,
        n_items=items,
        n_entities=entities,
        relation_names=(*dataset.relation_names, *more),
        entity_names=(),
        user_ids=(),
        item_ids=(),
        item_names=(),
        item_pictures=(),
        entity_items=None,
        features={},
    )


def problem_of(dataset: Dataset, cache_dir: Path, width: int, **changes) -> TrainSetup:
    """Its setup, with rows of entities padded to a width."""
    config = Config.from_flat(SMALL | changes)
    setup = build_setup(dataset, config, cache_dir=cache_dir, log=lambda line: None)
    entities, relations, columns = setup.graphs.rows
    room = ((0, 0), (0, max(0, width - entities.shape[1])))
    rows = EntityRows(
        jnp.pad(entities, room, constant_values=max(1, setup.dataset.n_entities)),
        jnp.pad(relations, room),
        jnp.pad(columns, room, constant_values=setup.parts.denoiser.n_columns),
    )
    return setup._replace(graphs=setup.graphs._replace(rows=rows))


def not_finite(setup: TrainSetup) -> list[str]:
    """Trains one step; what is not finite of its losses, the parameters and the scores."""
    graphs, parts = setup.graphs, setup.parts
    start, compiled = _programs(parts.config, parts.encoder, parts.denoiser, _Same(parts))
    state = start(graphs)
    kept = compiled.rebuild(state.params, graphs, state.key, 0)
    batches = Batch(*(jnp.asarray(array) for array in setup.sampler.epoch(0)))
    state, terms = compiled.epoch(state, batches, graphs, kept, traced_of(parts))
    view = compiled.encode(state.params, graphs)
    found = {name: term.total for name, term in terms.items()}
    found |= {"parameters": state.params, "view": view}
    finite = jax.tree.map(lambda leaf: bool(jnp.isfinite(leaf).all()), found)
    return [name for name, leaves in finite.items() if not all(jax.tree.leaves(leaves))]


class _Same(NamedTuple):
    """Parts that count as the same, since configuration and modules are told apart beside."""

    parts: Parts

    def __eq__(self, other) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@cache
def _programs(config, encoder, denoiser, same: _Same) -> Programs:
    return Programs(jax.jit(partial(initial_state, same.parts)), compile_parts(same.parts))
