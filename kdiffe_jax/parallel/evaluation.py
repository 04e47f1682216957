"""Full ranking with the users to rank for split over all devices."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from kdiffe_jax.parallel.mesh import AXES
from kdiffe_jax.parallel.processes import on_host
from kdiffe_jax.parallel.tables import everywhere
from kdiffe_jax.ranking import CUTOFFS, ranked_metrics
from kdiffe_jax.types import RankingTask


def evaluate_split(
    mesh: Mesh,
    user_embeddings: jax.Array,
    item_embeddings: jax.Array,
    task: RankingTask,
    *,
    block: int,
    cutoffs: tuple[int, ...] = CUTOFFS,
) -> dict[str, np.ndarray]:
    """`ranking.evaluate` with each device ranking for its share of the users.

    Args:
      mesh: of `build_mesh`.
      user_embeddings, item_embeddings, task, block, cutoffs: as in `ranking.evaluate`; a
        device needs the rows of its own users, and those of all items.

    Returns:
      Metric name -> f64[n], one value a user of the task.
    """
    n_users = len(task.users)
    padded = _padded(mesh, task, len(item_embeddings))
    arrays = everywhere(mesh, (user_embeddings, item_embeddings, padded))
    values = jax.tree.map(on_host, _metrics(mesh, *arrays, block=block, cutoffs=cutoffs))
    return {name: value[:n_users].astype(np.float64) for name, value in values.items()}


def _padded(mesh: Mesh, task: RankingTask, n_items: int) -> RankingTask:
    """Users at the end who have seen nothing and want nothing, until the number divides."""
    missing = -len(task.users) % mesh.size
    rows = ((0, missing), (0, 0))
    return RankingTask(
        np.pad(np.asarray(task.users), rows[0]),
        np.pad(np.asarray(task.seen), rows, constant_values=n_items),
        np.pad(np.asarray(task.relevant), rows, constant_values=-1),
    )


@partial(jax.jit, static_argnames=("mesh", "block", "cutoffs"))
def _metrics(mesh: Mesh, users, items, task: RankingTask, *, block: int, cutoffs):
    by_user, whole = PartitionSpec(AXES), PartitionSpec()

    def own(users, seen, relevant, items):
        task = RankingTask(jnp.arange(users.shape[0]), seen, relevant)
        return ranked_metrics(users, items, task, block=block, cutoffs=cutoffs)

    split = jax.shard_map(
        own,
        mesh=mesh,
        in_specs=(by_user, by_user, by_user, whole),
        out_specs=by_user,
        check_vma=False,
    )
    return split(users[task.users], task.seen, task.relevant, items)
