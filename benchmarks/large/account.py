"""What XLA sets aside for the compiled calls of a large data set, without data.

    python -m benchmarks.large.account --size=1000000

Compiles the calls of training for the shapes of N users, N items, 20 N interactions and 8 N
triples, and prints the bytes of what they take and of what they hold beside it.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from kdiffe_jax.training.state import Parts, TrainState, build_parts, initial_state

from benchmarks.large.stages import STEPS
from benchmarks.large.tables import (
    ENTITIES,
    INTERACTIONS_PER_USER,
    RELATIONS,
    TRIPLES_PER_ITEM,
    USERS_SCORED,
)
from kdiffe_jax.config import Config
from kdiffe_jax.evaluation.ranking import ranked_metrics
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.base import Graphs, Traced
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph, Laplacian, SparseOperator
from kdiffe_jax.training.epoch import compile_parts

_GB = 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=ENTITIES)
    parser.add_argument("--denoiser_columns", type=int, default=0)
    options = parser.parse_args()
    config = Config.from_flat({"epoch_steps": STEPS, "denoiser_columns": options.denoiser_columns})
    for name, held in account(config, options.size, options.entities).items():
        print(f"{name:<32} {held / _GB:6.2f} GB")


def account(config: Config, size: int, n_entities: int = ENTITIES) -> dict[str, int]:
    """Bytes by what holds them, for N = `size` users and items."""
    parts, graphs = _parts(config, size, n_entities), graphs_of(size, n_entities)
    state = _state(parts, graphs)
    calls = lowered_calls(config, size, n_entities)
    return {
        "graphs": held_by(graphs),
        "parameters, Adam's moments": held_by((state.params, state.opt_state)),
        "an epoch's batches": held_by(_batches(config, size)),
        **{f"{name}, beside these": _beside(call) for name, call in calls.items()},
    }


def lowered_calls(config: Config, size: int, n_entities: int = ENTITIES) -> dict[str, Any]:
    """The calls of an epoch for N = `size` users and items, ready to be compiled."""
    parts, graphs = _parts(config, size, n_entities), graphs_of(size, n_entities)
    state, compiled = _state(parts, graphs), compile_parts(parts)
    to_rebuild = (state.params, graphs, state.key, _integers())
    kept = jax.eval_shape(compiled.rebuild, *to_rebuild)
    traced = Traced(*(jax.ShapeDtypeStruct((), jnp.float32) for _ in Traced._fields))
    batches = _batches(config, size)
    return {
        "a step": compiled.epoch.lower(state, batches, graphs, kept, traced),
        "a rebuild": compiled.rebuild.lower(*to_rebuild),
        "an encoding": compiled.encode.lower(state.params, graphs),
        "an evaluation": _ranking(config, size),
    }


def graphs_of(size: int, n_entities: int) -> Graphs:
    """Shapes of the graphs of `benchmarks.large.tables`."""
    edges, triples = size * INTERACTIONS_PER_USER, size * TRIPLES_PER_ITEM
    table = _integers(size, TRIPLES_PER_ITEM)
    square = _operator(edges, size, size)
    return Graphs(
        laplacian=Laplacian(square, square, None),
        item_users=square,
        knowledge=KnowledgeGraph(_operator(triples, size, n_entities), _integers(triples)),
        rows=EntityRows(table, table, table),
        entity_relation=_integers(n_entities),
        entity_items=None,
        neighbours=None,
    )


def held_by(arrays) -> int:
    """Bytes of arrays, keys left out."""
    leaves = jax.tree.leaves(arrays)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


def _parts(config: Config, size: int, n_entities: int) -> Parts:
    sizes = dict(n_users=size, n_items=size, n_entities=n_entities, n_relations=len(RELATIONS))
    return build_parts(config, **sizes)


def _state(parts: Parts, graphs: Graphs) -> TrainState:
    return jax.eval_shape(partial(initial_state, parts), graphs)


def _batches(config: Config, size: int) -> Batch:
    steps_of_pass = -(-size * INTERACTIONS_PER_USER // config.train.batch_size)
    triplets, rows = config.train.batch_size, -(-size // steps_of_pass)
    widths = (triplets,) * 4 + (rows,) * 2
    kinds = (jnp.int32,) * 3 + (jnp.float32, jnp.int32, jnp.float32)
    shapes = zip(widths, kinds, strict=True)
    return Batch(*(jax.ShapeDtypeStruct((STEPS, width), kind) for width, kind in shapes))


def _ranking(config: Config, size: int):
    table = jax.ShapeDtypeStruct((size, config.model.dim), jnp.float32)
    scored = min(size, USERS_SCORED)
    seen, relevant = _integers(scored, INTERACTIONS_PER_USER - 2), _integers(scored, 1)
    rank = jax.jit(partial(ranked_metrics, block=config.eval.eval_block))
    return rank.lower(table, table, RankingTask(_integers(scored), seen, relevant))


def _operator(entries: int, rows: int, columns: int) -> SparseOperator:
    return SparseOperator(
        jax.ShapeDtypeStruct((entries,), jnp.float32),
        _integers(rows + 1),
        _integers(entries),
        _integers(entries),
        _integers(columns + 1),
        _integers(entries),
    )


def _integers(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def _beside(call) -> int:
    return call.compile().memory_analysis().temp_size_in_bytes


if __name__ == "__main__":
    main()
