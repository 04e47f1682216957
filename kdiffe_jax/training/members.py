"""The compiled calls of an epoch of many members: one graph, each its own parameters and noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.model.encoder import View
from kdiffe_jax.phases import device_phase
from kdiffe_jax.ranking import ranked_metrics
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


class CompiledMembers(NamedTuple):
    """Jitted functions; each compiles once per shape."""

    train: Callable[..., tuple[TrainState, dict[str, Term]]]
    rank: Callable[..., tuple[Kept, dict[str, dict[str, jax.Array]]]]
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
        train=jax.jit(partial(train_epoch, parts, at_once), donate_argnums=0),
        rank=jax.jit(partial(rank_members, parts), donate_argnums=1),
        keep_best=jax.jit(keep_best, donate_argnums=0),
    )


def train_epoch(
    parts: Parts,
    at_once: int,
    state: TrainState,
    kept: Kept,
    running: jax.Array,
    batches: Batch,
    graphs: Graphs,
    strengths: Strengths,
    weights: Weights | None = None,
) -> tuple[TrainState, dict[str, Term]]:
    """Trains every running member for one epoch; a stopped one keeps its state.

    Args:
      parts: static.
      at_once: static, members trained side by side. One at a time, a stopped member costs
        nothing; side by side it is computed with the others and thrown away.
      state: of all members, donated.
      kept: the relations of each member's contrastive view.
      running: bool[members].
      batches: every array of `Batch` with leading axes of members and steps.
      graphs: constant structure, shared.
      strengths: those of each member, or scalars where they share them.
      weights: the values of each member's Laplacian; None where they share it.

    Returns:
      The states after the epoch, and each term with arrays of [members, steps].
    """

    def train(member):
        running, state, kept, batches, strengths, weights = member
        own = with_weights(graphs, weights)

        def work():
            return run_epoch(parts, state, batches, own, kept, strengths)

        return _if_running(running, work, state)

    strengths = jax.tree.map(lambda s: jnp.broadcast_to(s, running.shape), strengths)
    of_members = (running, state, kept, batches, strengths, weights)
    return jax.lax.map(train, of_members, batch_size=at_once)


def rank_members(
    parts: Parts,
    state: TrainState,
    kept: Kept,
    running: jax.Array,
    graphs: Graphs,
    tasks: dict[str, RankingTask],
    epoch: jax.Array,
    weights: Weights | None = None,
) -> tuple[Kept, dict[str, dict[str, jax.Array]]]:
    """Rebuilds the relations of every running member and ranks with it.

    One member at a time, so that no array has an axis of members beside one of blocks of
    users or items.

    Args:
      parts: static.
      state: of all members.
      kept: donated; a stopped member keeps them.
      running: bool[members].
      graphs: constant structure, shared.
      tasks: the splits to rank, by name.
      epoch: number of the epoch that will use the relations.
      weights: as in `train_epoch`.

    Returns:
      The relations, and each metric by split and name, [members, users of the split].
    """

    def rank(member):
        running, state, kept, weights = member
        own = with_weights(graphs, weights)

        def work():
            rebuilt = rebuild_relations(parts, state.params, own, state.key, epoch)
            view = main_view(parts, state.params, own)
            return rebuilt, {name: _scores(parts, view, task) for name, task in tasks.items()}

        return _if_running(running, work, kept)

    return jax.lax.map(rank, (running, state, kept, weights))


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


def keep_best(
    best: dict[str, Any], params: dict[str, Any], improved: jax.Array, *, where=jnp.where
):
    """Takes the parameters of the members that have improved, bool[members]; `best` is donated.

    With `where=np.where` all stays on the host.
    """

    def choose(old, new):
        return where(improved.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, best, params)


def _if_running(running: jax.Array, work: Callable[[], tuple], unchanged: Any) -> tuple:
    """What `work` makes and reports; of a stopped member what there was, and zeros."""
    _, report = jax.eval_shape(work)
    nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), report)
    return jax.lax.cond(running, work, lambda: (unchanged, nothing))


@device_phase("evaluation")
def _scores(parts: Parts, view: View, task: RankingTask) -> dict[str, jax.Array]:
    settings = parts.config.eval
    users, items = (table.astype(settings.eval_precision) for table in view)
    return ranked_metrics(users, items, task, block=settings.eval_block)
