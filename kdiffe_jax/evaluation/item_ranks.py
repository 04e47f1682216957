"""The rank of every relevant item in a user's full ranking, found by counting.

Metrics need no sorted list: the rank of an item is the number of unseen items that come
before it, and a comparison with all scores costs less than choosing the best of them.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.ops.precision import exact_product
from kdiffe_jax.ops.ragged import padded

NO_RANK = np.iinfo(np.int32).max  #: behind every cut-off, however few items there are


@partial(jax.jit, static_argnames=("block", "n_items", "axis"))
def item_ranks(
    user_embeddings: jax.Array,
    item_embeddings: jax.Array,
    task: RankingTask,
    *,
    block: int,
    n_items: int | None = None,
    axis: str | None = None,
) -> jax.Array:
    """How many unseen items come before each relevant one; equal scores stand by item number.

    Users with about as many relevant items share a block, whose time grows with the most.

    Args:
      user_embeddings: f32 or bf16[I, d]; scores are f32 either way.
      item_embeddings: f32 or bf16[J, d].
      task: users, what they have seen and what is relevant.
      block: users at once; bounds the memory.
      n_items: J, where there are rows of padding after it.
      axis: of a mesh whose devices each call this with a range of the items' rows, in order,
        and the same users; None where there are all items.

    Returns:
      i32[n, P]; `NO_RANK` on padding, for an item that the user has seen and for a score that
      is not a number.
    """
    n_users, n_items = task.users.shape[0], n_items or item_embeddings.shape[0]
    block = min(block, n_users)
    n_blocks = -(-n_users // block)
    order = jnp.argsort((task.relevant >= 0).sum(axis=1), stable=True)
    at = order[jnp.minimum(jnp.arange(n_blocks * block), n_users - 1)].reshape(n_blocks, block)

    def ranks_of_block(rows):
        users = user_embeddings[task.users[rows]]
        scores = exact_product(users, item_embeddings.T)
        scores = jax.lax.optimization_barrier(scores)
        seen = padded(task.seen, rows, n_items)
        return _ranks_in(scores, seen, task.relevant[rows], n_items, axis)

    found = jax.lax.map(ranks_of_block, at).reshape(n_blocks * block, -1)[:n_users]
    return jnp.zeros_like(found).at[order].set(found, unique_indices=True)


def _ranks_in(scores, seen, relevant, n_items: int, axis: str | None) -> jax.Array:
    width = scores.shape[1]
    first = 0 if axis is None else jax.lax.axis_index(axis) * width
    items = first + jnp.arange(width)[None]
    if axis is not None:
        scores = jnp.where(items < n_items, scores, -jnp.inf)

    def total(found):
        return found if axis is None else jax.lax.psum(found, axis)

    def scores_of(wanted):
        at = wanted - first
        here = (wanted < n_items) & (at >= 0) & (at < width)
        return jnp.take_along_axis(scores, jnp.clip(at, 0, width - 1), axis=1), here

    at_seen, seen_here = scores_of(seen)
    own_here, relevant_here = scores_of(relevant)
    own = total(jnp.where(relevant_here, own_here, 0.0))

    def rank(column, found):
        wanted, threshold = relevant[:, column][:, None], own[:, column][:, None]

        def before(values, ids):
            return jnp.where(ids < wanted, values >= threshold, values > threshold)

        hidden = before(at_seen, seen) & seen_here
        ahead = _count(before(scores, items)) - _count(hidden)
        missing = (wanted[:, 0] < 0) | (seen == wanted).any(axis=1) | jnp.isnan(threshold[:, 0])
        return found.at[:, column].set(jnp.where(missing, n_items, ahead.astype(jnp.int32)))

    most = (relevant >= 0).sum(axis=1).max()
    found = jax.lax.fori_loop(0, most, rank, jnp.full(relevant.shape, n_items, jnp.int32))
    found = total(found)
    return jnp.where(found < n_items, found, NO_RANK)


def _count(chosen: jax.Array) -> jax.Array:
    """f32[n]: exact up to 2^24, and several times as fast as a sum of integers."""
    return jnp.where(chosen, 1.0, 0.0).sum(axis=1)
