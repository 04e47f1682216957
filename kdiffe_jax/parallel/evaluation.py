"""Full ranking with users and items split over the devices of a mesh."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.parallel.processes import on_host, placed
from kdiffe_jax.places import places
from kdiffe_jax.ranking import CUTOFFS, metrics_of_places
from kdiffe_jax.types import RankingTask

BY_USERS, BY_ITEMS = PartitionSpec("data"), PartitionSpec("model")


def evaluate_split(
    mesh: Mesh,
    user_embeddings: jax.Array,
    item_embeddings: jax.Array,
    task: RankingTask,
    *,
    n_items: int,
    block: int,
    cutoffs: tuple[int, ...] = CUTOFFS,
) -> dict[str, np.ndarray]:
    """`ranking.evaluate` with users split along "data" and items along "model".

    A device counts, for its share of the users, which of its range of the items come before
    a relevant one; the counts of a row of devices add up to the item's place.

    Args:
      mesh: of `build_mesh`.
      user_embeddings, item_embeddings: on the mesh, with `padded_rows`, split as
        `view_shardings` says.
      n_items: J, without padding.
      task: its users in ascending order, as `ranking.ranking_task` makes it.
      block, cutoffs: as in `ranking.evaluate`.

    Returns:
      Metric name -> f64[n], one value a user of the task.
    """
    n_ranges, (by_users, _) = mesh.shape["data"], view_shardings(mesh)
    height = len(user_embeddings) // n_ranges
    laid, at = _by_range(task, n_ranges, height, n_items)
    laid = jax.tree.map(lambda array: placed(array, by_users), laid)
    tables = (user_embeddings, item_embeddings)
    found = _metrics(mesh, *tables, laid, n_items=n_items, block=block, cutoffs=cutoffs)
    return {name: on_host(value)[at].astype(np.float64) for name, value in found.items()}


def view_shardings(mesh: Mesh) -> tuple[NamedSharding, NamedSharding]:
    """How final embeddings of users and of items lie on a mesh for ranking."""
    return NamedSharding(mesh, BY_USERS), NamedSharding(mesh, BY_ITEMS)


def padded_rows(mesh: Mesh, users: jax.Array, items: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both tables with rows of zeros at the end, until they divide; may be traced."""

    def padded(table, axis):
        return jnp.pad(table, ((0, -table.shape[0] % mesh.shape[axis]), (0, 0)))

    return padded(users, "data"), padded(items, "model")


def _by_range(
    task: RankingTask, n_ranges: int, height: int, n_items: int
) -> tuple[RankingTask, np.ndarray]:
    """The task by ranges of users, and where each of its users went.

    Ranges have equally many users: padding has seen nothing and wants nothing. Users are
    numbered from 0 in each range.
    """
    users, seen, relevant = map(np.asarray, task)
    owners = users // height
    counts = np.bincount(owners, minlength=n_ranges)
    width = counts.max()
    at = owners * width + np.arange(len(users)) - (np.cumsum(counts) - counts)[owners]

    def laid(array, padding):
        whole = np.full((n_ranges * width, *array.shape[1:]), padding, array.dtype)
        whole[at] = array
        return whole

    return RankingTask(laid(users % height, 0), laid(seen, n_items), laid(relevant, -1)), at


@partial(jax.jit, static_argnames=("mesh", "n_items", "block", "cutoffs"))
def _metrics(mesh: Mesh, users, items, task: RankingTask, *, n_items: int, block: int, cutoffs):
    def own(users, items, task):
        found = places(users, items, task, block=block, n_items=n_items, axis="model")
        return metrics_of_places(found, task.relevant, cutoffs=cutoffs)

    split = jax.shard_map(
        own,
        mesh=mesh,
        in_specs=(BY_USERS, BY_ITEMS, BY_USERS),
        out_specs=BY_USERS,
        check_vma=False,
    )
    return split(users, items, task)
