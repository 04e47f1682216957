"""Full ranking on the device, in blocks of users, and its metrics on the host."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.item_ranks import item_ranks
from kdiffe_jax.evaluation.metrics import Hits, hits_of_lists, hits_of_ranks, metrics_at_k
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.evaluation.top_k import grouped_top_k, groups_for
from kdiffe_jax.ops.precision import exact_product
from kdiffe_jax.ops.ragged import padded, ragged

CUTOFFS = (5, 10, 20, 50)


def ranking_task(seen: np.ndarray, relevant: np.ndarray, *, n_users: int) -> RankingTask:
    """Who is ranked for: the users with at least one relevant item.

    Args:
      seen: int[n, 2] of (user, item) that are never recommended, sorted.
      relevant: int[m, 2] of (user, item) held out, sorted.
      n_users: I.
    """
    users = np.unique(relevant[:, 0])
    row = np.full(n_users, -1)
    row[users] = np.arange(len(users))
    asked = seen[row[seen[:, 0]] >= 0]
    of_seen, of_relevant = (
        ragged(row[of[:, 0]], of[:, 1], n_rows=len(users)) for of in (asked, relevant)
    )
    wanted, rows = row[relevant[:, 0]], np.arange(len(relevant))
    table = np.full((len(users), len(of_relevant.positions)), -1, np.int32)
    table[wanted, rows - of_relevant.starts[wanted]] = relevant[:, 1]
    return jax.tree.map(jnp.asarray, RankingTask(users.astype(np.int32), of_seen, table))


@partial(jax.jit, static_argnames=("k", "block"))
def rank_all(
    user_embeddings: jax.Array, item_embeddings: jax.Array, task: RankingTask, *, k: int, block: int
) -> jax.Array:
    """The k best unseen items of every user of the task.

    Seen items get the score -inf, and are reported as -1 where fewer than k items are
    left. Equal scores are ordered by item number.

    Args:
      user_embeddings: f32 or bf16[I, d]; scores are f32 either way.
      item_embeddings: f32 or bf16[J, d].
      task: users and what they have seen.
      k: length of the lists; J where that is smaller.
      block: users at once; bounds the memory.

    Returns:
      i32[n, min(k, J)].
    """
    n_users, n_items = task.users.shape[0], item_embeddings.shape[0]
    k, block = min(k, n_items), min(block, n_users)
    if not n_users:
        return jnp.zeros((0, k), jnp.int32)
    n_blocks = -(-n_users // block)
    at = jnp.minimum(jnp.arange(n_blocks * block), n_users - 1).reshape(n_blocks, block)
    groups = groups_for(n_items, k)
    stored = item_embeddings[np.minimum(groups.stored, n_items - 1)]
    padding = np.flatnonzero(groups.stored >= n_items)

    def rank_block(rows):
        users = user_embeddings[task.users[rows]]
        scores = exact_product(users, stored.T)
        seen = padded(task.seen, rows, n_items)
        hidden = jnp.where(seen < n_items, groups.position(seen), len(groups.stored))
        scores = scores.at[jnp.arange(block)[:, None], hidden].set(-jnp.inf, mode="drop")
        scores = scores.at[:, padding].set(-jnp.inf)
        values, items = grouped_top_k(scores, k, groups)
        return jnp.where(jnp.isneginf(values), -1, items)

    return jax.lax.map(rank_block, at).reshape(n_blocks * block, -1)[:n_users]


def metrics_per_user(
    lists: jax.Array, relevant: jax.Array, *, cutoffs: tuple[int, ...] = CUTOFFS
) -> dict[str, np.ndarray]:
    """Every metric of every user: name -> f64[n].

    Args:
      lists: i32[n, K] from `rank_all`, K at least the largest cut-off or all items.
      relevant: i32[n, P], -1 on padding.
      cutoffs: the k of recall@k and the others.
    """
    return _all_metrics(hits_of_lists(np.asarray(lists), np.asarray(relevant)), cutoffs)


def metrics_of_ranks(
    ranks: np.ndarray, n_relevant: np.ndarray, *, cutoffs: tuple[int, ...] = CUTOFFS
) -> dict[str, np.ndarray]:
    """`metrics_per_user` from `item_ranks`, i32[n, P], and each user's number of relevant items."""
    return _all_metrics(hits_of_ranks(ranks, n_relevant, within=max(cutoffs)), cutoffs)


def _all_metrics(hits: Hits, cutoffs: tuple[int, ...]) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for k in cutoffs:
        values |= metrics_at_k(hits, k)
    return values


def evaluate(
    user_embeddings: jax.Array,
    item_embeddings: jax.Array,
    task: RankingTask,
    *,
    block: int,
    cutoffs: tuple[int, ...] = CUTOFFS,
) -> dict[str, np.ndarray]:
    """Ranks and scores: metric name -> f64[n], one value a user of the task."""
    ranks = item_ranks(user_embeddings, item_embeddings, task, block=block)
    n_relevant = (np.asarray(task.relevant) >= 0).sum(axis=1)
    return metrics_of_ranks(np.asarray(ranks), n_relevant, cutoffs=cutoffs)


def mean_metrics(per_user: dict[str, np.ndarray]) -> dict[str, float]:
    """The mean over users of each metric; 0 where there are no users."""
    return {name: float(values.mean()) if len(values) else 0.0 for name, values in per_user.items()}
