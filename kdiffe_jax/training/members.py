"""All members of a run in one compiled epoch: one graph, each its own parameters and noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.ranking import score_users
from kdiffe_jax.rebuild import Kept
from kdiffe_jax.training.epoch import main_view, rebuild_relations, run_epoch
from kdiffe_jax.training.state import Parts, TrainState
from kdiffe_jax.training.step import Term
from kdiffe_jax.types import Batch, Graphs, Laplacian, RankingTask, Strengths


class Members(NamedTuple):
    """What passes from one epoch to the next; every array has a leading axis of members."""

    state: TrainState
    kept: Kept
    best: dict[str, Any]  # the parameters of each member's best epoch so far


class Weights(NamedTuple):
    """The values of a Laplacian's blocks, which xi changes and nothing else."""

    to_users: jax.Array  # f32[nnz]
    to_items: jax.Array  # f32[nnz]
    loops: jax.Array | None  # f32[I + J]


class Epoch(NamedTuple):
    """What one epoch of all members makes; a member that has stopped reports zeros."""

    state: TrainState
    kept: Kept
    terms: dict[str, Term]  # [members, steps]
    metrics: dict[str, dict[str, jax.Array]]  # by split and name, [members, users of the split]


class CompiledMembers(NamedTuple):
    """Jitted functions; each compiles once per shape."""

    epoch: Callable[..., Epoch]
    keep_best: Callable[..., dict[str, Any]]


def compile_members(parts: Parts, *, at_once: int | None = None) -> CompiledMembers:
    """The functions that the loop calls once an epoch.

    Args:
      parts: static.
      at_once: members whose steps run side by side; the others wait for them. By default
        one on CPU, whose cores a single member keeps busy, and all elsewhere.
    """
    if at_once is None:
        at_once = 1 if jax.default_backend() == "cpu" else parts.config.train.num_seeds
    return CompiledMembers(
        epoch=jax.jit(partial(run_members, parts, at_once), donate_argnums=(0, 1)),
        keep_best=jax.jit(keep_best, donate_argnums=0),
    )


def run_members(
    parts: Parts,
    at_once: int,
    state: TrainState,
    kept: Kept,
    running: jax.Array,
    batches: Batch,
    graphs: Graphs,
    strengths: Strengths,
    weights: Weights | None,
    tasks: dict[str, RankingTask],
    epoch: jax.Array,
) -> Epoch:
    """Trains every running member for one epoch, rebuilds its relations and ranks.

    A member that has stopped keeps its state; where members run one at a time it costs
    nothing. Rebuilding and ranking take one member at a time, so that no array has an axis
    of members beside one of blocks of users or items.

    Args:
      parts: static.
      at_once: static, members trained side by side.
      state, kept: of all members, donated.
      running: bool[members].
      batches: every array of `Batch` with leading axes of members and steps.
      graphs: constant structure, shared.
      strengths: of all members.
      weights: of all members, the values of their Laplacians; None where they share it.
      tasks: the splits to rank, by name.
      epoch: number of this epoch.
    """

    def train(member):
        running, state, kept, batches, strengths, weights = member
        own = with_weights(graphs, weights)

        def work():
            return run_epoch(parts, state, batches, own, kept, strengths)

        return _if_running(running, work, state)

    def finish(member):
        running, state, kept, weights = member
        own = with_weights(graphs, weights)

        def work():
            rebuilt = rebuild_relations(parts, state.params, own, state.key, epoch + 1)
            view = main_view(parts, state.params, own)
            return rebuilt, {name: _scores(parts, view, task) for name, task in tasks.items()}

        return _if_running(running, work, kept)

    of_members = (running, state, kept, batches, strengths, weights)
    state, terms = jax.lax.map(train, of_members, batch_size=at_once)
    kept, metrics = jax.lax.map(finish, (running, state, kept, weights))
    return Epoch(state, kept, terms, metrics)


def weights_of(laplacian: Laplacian) -> Weights:
    """The values of a Laplacian, apart from where they stand."""
    there, back, loops = laplacian
    return Weights(there.values, back.values, loops)


def with_weights(graphs: Graphs, weights: Weights | None) -> Graphs:
    """The same graphs with other values in the Laplacian; None leaves them."""
    if weights is None:
        return graphs
    there, back, _ = graphs.laplacian
    blocks = (there._replace(values=weights.to_users), back._replace(values=weights.to_items))
    return graphs._replace(laplacian=Laplacian(*blocks, weights.loops))


def keep_best(best: dict[str, Any], params: dict[str, Any], improved: jax.Array):
    """Takes the parameters of the members that have improved, bool[members]; `best` is donated."""

    def choose(old, new):
        return jnp.where(improved.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, best, params)


def _if_running(running: jax.Array, work: Callable[[], tuple], unchanged: Any) -> tuple:
    """What `work` makes and reports, or what there was and a report of zeros."""
    _, report = jax.eval_shape(work)
    nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), report)
    return jax.lax.cond(running, work, lambda: (unchanged, nothing))


def _scores(parts: Parts, view, task: RankingTask) -> dict[str, jax.Array]:
    return score_users(view.users, view.items, task, block=parts.config.eval.eval_block)
