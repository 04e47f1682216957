"""What XLA sets aside for the compiled calls of a large data set, without data.

    python -m benchmarks.large.account --size=1000000

Compiles the calls of training for the shapes of N users, N items, 20 N interactions and 8 N
triples, and prints the bytes of what they take and of what they hold beside it.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks.large.stages import STEPS
from benchmarks.large.tables import (
    ENTITIES,
    INTERACTIONS_PER_USER,
    RELATIONS,
    TRIPLES_PER_ITEM,
    USERS_SCORED,
)
from benchmarks.written import Report, add_report
from kdiffe_jax.config import Config
from kdiffe_jax.evaluation.item_ranks import item_ranks
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.models.arrays import Batch, Degrees, Inputs, Sizes
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.kdiffe.modules import KDiffEConstants
from kdiffe_jax.models.registry import build_model, make_config
from kdiffe_jax.ops.ragged import Ragged
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph, Laplacian, SparseOperator
from kdiffe_jax.training.placement import OneDevice
from kdiffe_jax.training.step import TrainState, initial_state

_GB = 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=ENTITIES)
    parser.add_argument("--denoiser_columns", type=int, default=0)
    add_report(parser)
    options = parser.parse_args()
    told = Report("benchmarks.large.account", __doc__, sys.argv[1:], options.report)
    config = make_config({"epoch_steps": STEPS, "denoiser_columns": options.denoiser_columns})
    told.tell(f"| {options.size:,} users and items | GB |\n|---|---|")
    for name, held in account(config, options.size, options.entities).items():
        told.tell_row(f"| {name} | {held / _GB:.2f} |")
    told.tell_machine()


def account(config: Config, size: int, n_entities: int = ENTITIES) -> dict[str, int]:
    """Bytes by what holds them, for N = `size` users and items."""
    inputs = inputs_of(size, n_entities)
    state = _state(_model(config, size, n_entities), inputs)
    calls = lowered_calls(config, size, n_entities)
    return {
        "graphs": held_by(inputs),
        "parameters, Adam's moments": held_by((state.params, state.opt_states)),
        "an epoch's batches": held_by(_batches(config, size)),
        **{f"{name}, beside these": _beside(call) for name, call in calls.items()},
    }


def lowered_calls(config: Config, size: int, n_entities: int = ENTITIES) -> dict[str, Any]:
    """The calls of an epoch for N = `size` users and items, ready to be compiled."""
    model, inputs = _model(config, size, n_entities), inputs_of(size, n_entities)
    state = _state(model, inputs)
    compiled = OneDevice().compiled(model, _PartsOfPasses(), inputs, lambda inputs, seed: state)
    first = jax.eval_shape(model.first_carry, inputs)
    to_refresh = (state.params, inputs, first, state.key, _integers())
    carry = jax.eval_shape(compiled.refresh, *to_refresh)
    traced = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in config.traced()}
    return {
        "a step": compiled.epoch.lower(state, _batches(config, size), inputs, carry, traced),
        "a rebuild": compiled.refresh.lower(*to_refresh),
        "an encoding": compiled.view.lower(state.params, inputs, carry),
        "an evaluation": _ranking(config, size),
    }


class _PartsOfPasses(NamedTuple):
    """What is asked of a sampler."""

    cuts_passes: bool = True


def inputs_of(size: int, n_entities: int) -> Inputs:
    """Shapes of what KDiffE reads of the data of `benchmarks.large.tables`."""
    edges, triples = size * INTERACTIONS_PER_USER, size * TRIPLES_PER_ITEM
    starts, each = _integers(size + 1), _integers(triples)
    rows = EntityRows(starts, each, each, each, _integers(TRIPLES_PER_ITEM))
    square = _operator(edges, size, size)
    return Inputs(
        laplacian=Laplacian(square, square),
        item_users=square,
        degrees=Degrees(_floats(size), _floats(size)),
        knowledge=KnowledgeGraph(_operator(triples, size, n_entities), _integers(triples)),
        own=KDiffEConstants(rows, _integers(n_entities)),
    )


def held_by(arrays) -> int:
    """Bytes of arrays, keys left out."""
    leaves = jax.tree.leaves(arrays)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


def _model(config: Config, size: int, n_entities: int) -> Model:
    return build_model(config, Sizes(size, size, n_entities, len(RELATIONS)))


def _state(model: Model, inputs: Inputs) -> TrainState:
    return jax.eval_shape(partial(initial_state, model, seed=0), inputs)


def _batches(config: Config, size: int) -> Batch:
    steps_of_pass = -(-size * INTERACTIONS_PER_USER // config.train.batch_size)
    triplets, rows = config.train.batch_size, -(-size // steps_of_pass)
    widths = (triplets,) * 4 + (rows,) * 2
    kinds = (jnp.int32,) * 3 + (jnp.float32, jnp.int32, jnp.float32)
    shapes = zip(widths, kinds, strict=True)
    return Batch(*(jax.ShapeDtypeStruct((STEPS, width), kind) for width, kind in shapes))


def _ranking(config: Config, size: int):
    table = jax.ShapeDtypeStruct((size, config.embedding.dim), jnp.float32)
    scored = min(size, USERS_SCORED)
    each, relevant = INTERACTIONS_PER_USER - 2, _integers(scored, 1)
    seen = Ragged(_integers(scored + 1), _integers(scored * each), _integers(each))
    task = RankingTask(_integers(scored), seen, relevant)
    return item_ranks.lower(table, table, task, block=config.eval.eval_block)


def _operator(entries: int, rows: int, columns: int) -> SparseOperator:
    return SparseOperator(
        _floats(entries),
        _integers(rows + 1),
        _integers(entries),
        _integers(entries),
        _integers(columns + 1),
        _integers(entries),
    )


def _floats(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _integers(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def _beside(call) -> int:
    return call.compile().memory_analysis().temp_size_in_bytes


if __name__ == "__main__":
    main()
