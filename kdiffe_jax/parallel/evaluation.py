"""Full ranking with users and items split over the devices of a mesh."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.evaluation.item_ranks import item_ranks
from kdiffe_jax.evaluation.ranking import CUTOFFS, metrics_of_ranks, ranking_task
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.ops.ragged import Ragged
from kdiffe_jax.parallel.processes import on_host
from kdiffe_jax.parallel.row_blocks import own_ranges
from kdiffe_jax.parallel.shares import largest
from kdiffe_jax.parallel.tables import WHOLE, replicate

BY_USERS, BY_ITEMS = PartitionSpec("data"), PartitionSpec("model")
_TASK = RankingTask(BY_USERS, Ragged(BY_USERS, BY_USERS, WHOLE), BY_USERS)  # type: ignore[arg-type]


class ShardedTask(NamedTuple):
    """A ranking task on a mesh: its users by ranges, each padded to equally many."""

    laid: RankingTask  #: users from 0 in each range; padding has seen and wants nothing
    at: np.ndarray  #: int[n], where each user went, in ascending order of the users
    n_items: int  #: J, without padding


def sharded_task(
    mesh: Mesh,
    seen: np.ndarray,
    relevant: np.ndarray,
    *,
    share: Share = ALONE,
    n_users: int,
    n_items: int,
) -> ShardedTask:
    """`ranking.ranking_task` on a mesh; each process lays the ranges of its own devices.

    Args:
      mesh: of `build_mesh`.
      seen, relevant: as in `ranking_task`, of this process's share.
      share: whose they are.
      n_users, n_items: sizes I and J.
    """
    mine, height = own_ranges(mesh), -(-n_users // mesh.shape["data"])
    seen, relevant = (
        share.kept(pairs, lambda piece: mine[piece[:, 0] // height]) for pairs in (seen, relevant)
    )
    own = {
        number: _task_of(seen, relevant, number * height, height)
        for number in np.flatnonzero(mine).tolist()
    }
    shapes = np.zeros((len(mine), 4), np.int32)
    for number, task in own.items():
        seen_by = task.seen
        lengths = len(seen_by.values), len(seen_by.positions), task.relevant.shape[1]
        shapes[number] = len(task.users), *lengths
    shapes = largest(shapes)
    width, n_seen, longest, n_relevant = map(int, np.maximum(shapes.max(axis=0), 1))

    def laid(read: Callable[[RankingTask], np.ndarray], *shape: int, mode: Any) -> jax.Array:
        def part(index: tuple[slice, ...]) -> np.ndarray:
            array = read(own[(index[0].start or 0) // shape[0]])
            missing = [(0, to - n) for to, n in zip(shape, array.shape, strict=True)]
            return np.pad(array, missing, **mode)

        whole = (len(mine) * shape[0], *shape[1:])
        return jax.make_array_from_callback(whole, NamedSharding(mesh, BY_USERS), part)

    nothing = dict(constant_values=0)
    seen_by = Ragged(
        laid(lambda task: task.seen.starts, width + 1, mode=dict(mode="edge")),
        laid(lambda task: task.seen.values, n_seen, mode=nothing),
        replicate(mesh, np.arange(longest, dtype=np.int32)),
    )
    whole = RankingTask(
        laid(lambda task: task.users, width, mode=nothing),
        seen_by,
        laid(lambda task: task.relevant, width, n_relevant, mode=dict(constant_values=-1)),
    )
    numbered = (number * width + np.arange(n) for number, n in enumerate(shapes[:, 0]))
    return ShardedTask(whole, np.concatenate(list(numbered)), n_items)


def evaluate_sharded(
    mesh: Mesh,
    user_embeddings: jax.Array,
    item_embeddings: jax.Array,
    task: ShardedTask,
    *,
    block: int,
    cutoffs: tuple[int, ...] = CUTOFFS,
) -> dict[str, np.ndarray]:
    """`ranking.evaluate` with users split along "data" and items along "model".

    A device counts, for its share of the users, which of its range of the items come before
    a relevant one; the counts of a row of devices add up to the item's rank.

    Args:
      mesh: of `build_mesh`.
      user_embeddings, item_embeddings: on the mesh, with `padded_rows`, split as
        `view_shardings` says.
      task: of `sharded_task`.
      block, cutoffs: as in `ranking.evaluate`.

    Returns:
      Metric name -> f64[n], one value a user of the task, on every process.
    """
    tables, first = (user_embeddings, item_embeddings), max(cutoffs)
    found = _ranks(mesh, *tables, task.laid, n_items=task.n_items, block=block, first=first)
    ranks, n_relevant = (on_host(part)[task.at] for part in found)
    return metrics_of_ranks(ranks, n_relevant, cutoffs=cutoffs)


def view_shardings(mesh: Mesh) -> tuple[NamedSharding, NamedSharding]:
    """How final embeddings of users and of items lie on a mesh for ranking."""
    return NamedSharding(mesh, BY_USERS), NamedSharding(mesh, BY_ITEMS)


def padded_rows(mesh: Mesh, users: jax.Array, items: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both tables with rows of zeros at the end, until they divide; may be traced."""

    def padded(table, axis):
        return jnp.pad(table, ((0, -table.shape[0] % mesh.shape[axis]), (0, 0)))

    return padded(users, "data"), padded(items, "model")


def _task_of(seen: np.ndarray, relevant: np.ndarray, first: int, height: int) -> RankingTask:
    """The task of `height` users, who are numbered from 0; NumPy arrays."""

    def own(pairs: np.ndarray) -> np.ndarray:
        start, stop = np.searchsorted(pairs[:, 0], [first, first + height])
        return pairs[start:stop] - np.array([first, 0], pairs.dtype)

    return jax.tree.map(np.asarray, ranking_task(own(seen), own(relevant), n_users=height))


@partial(jax.jit, static_argnames=("mesh", "n_items", "block", "first"))
def _ranks(mesh: Mesh, users, items, task: RankingTask, *, n_items: int, block: int, first: int):
    """At most `first` of each user's ranks, the lowest; and the number of relevant items."""

    def own(users, items, task):
        found = item_ranks(users, items, task, block=block, n_items=n_items, axis="model")
        if found.shape[1] > first:
            found = jnp.sort(found, axis=1)[:, :first]
        return found, (task.relevant >= 0).sum(axis=1)

    split = jax.shard_map(
        own,
        mesh=mesh,
        in_specs=(BY_USERS, BY_ITEMS, _TASK),
        out_specs=(BY_USERS, BY_USERS),
        check_vma=False,
    )
    return split(users, items, task)
