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
from kdiffe_jax.types import Batch, Graphs, RankingTask, Strengths


class Members(NamedTuple):
    """What passes from one epoch to the next; every array has a leading axis of members."""

    state: TrainState
    kept: Kept
    best: dict[str, Any]  # the parameters of each member's best epoch so far


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
      strengths: theta_1, theta_2 and tau, shared.
      tasks: the splits to rank, by name.
      epoch: number of this epoch.
    """

    def train(member):
        running, state, kept, batches = member

        def work():
            return run_epoch(parts, state, batches, graphs, kept, strengths)

        return _if_running(running, work, state)

    def finish(member):
        running, state, kept = member

        def work():
            rebuilt = rebuild_relations(parts, state.params, graphs, state.key, epoch + 1)
            view = main_view(parts, state.params, graphs)
            return rebuilt, {name: _scores(parts, view, task) for name, task in tasks.items()}

        return _if_running(running, work, kept)

    state, terms = jax.lax.map(train, (running, state, kept, batches), batch_size=at_once)
    kept, metrics = jax.lax.map(finish, (running, state, kept))
    return Epoch(state, kept, terms, metrics)


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
