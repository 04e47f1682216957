"""The place of every relevant item in a user's full ranking, found by counting.

Metrics need no sorted list: the place of an item is the number of unseen items that come
before it, and a comparison with all scores costs less than choosing the best of them.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from kdiffe_jax.types import RankingTask


@partial(jax.jit, static_argnames=("block",))
def places(
    user_embeddings: jax.Array, item_embeddings: jax.Array, task: RankingTask, *, block: int
) -> jax.Array:
    """How many unseen items come before each relevant one; equal scores stand by item id.

    Users with about as many relevant items share a block, whose time grows with the most.

    Args:
      user_embeddings: f32[I, d].
      item_embeddings: f32[J, d].
      task: users, what they have seen and what is relevant.
      block: users at once; bounds the memory.

    Returns:
      i32[n, P]; J on padding, for an item that the user has seen and for a score that is
      not a number.
    """
    n_users = task.users.shape[0]
    block = min(block, n_users)
    n_blocks = -(-n_users // block)
    order = jnp.argsort((task.relevant >= 0).sum(axis=1), stable=True)
    at = order[jnp.minimum(jnp.arange(n_blocks * block), n_users - 1)].reshape(n_blocks, block)

    def place_block(rows):
        scores = user_embeddings[task.users[rows]] @ item_embeddings.T
        return _places_in(
            jax.lax.optimization_barrier(scores), task.seen[rows], task.relevant[rows]
        )

    found = jax.lax.map(place_block, at).reshape(n_blocks * block, -1)[:n_users]
    return jnp.zeros_like(found).at[order].set(found, unique_indices=True)


def _places_in(scores: jax.Array, seen: jax.Array, relevant: jax.Array) -> jax.Array:
    n_rows, n_items = scores.shape
    at_seen = jnp.take_along_axis(scores, jnp.minimum(seen, n_items - 1), axis=1)
    items = jnp.arange(n_items)[None]

    def place(column, found):
        wanted = relevant[:, column][:, None]
        own = jnp.take_along_axis(scores, jnp.maximum(wanted, 0), axis=1)

        def before(values, ids):
            return jnp.where(ids < wanted, values >= own, values > own)

        hidden = before(at_seen, seen) & (seen < n_items)
        place = _count(before(scores, items)) - _count(hidden)
        missing = (wanted[:, 0] < 0) | (seen == wanted).any(axis=1) | jnp.isnan(own[:, 0])
        return found.at[:, column].set(jnp.where(missing, n_items, place.astype(jnp.int32)))

    most = (relevant >= 0).sum(axis=1).max()
    return jax.lax.fori_loop(0, most, place, jnp.full(relevant.shape, n_items, jnp.int32))


def _count(chosen: jax.Array) -> jax.Array:
    """f32[n]: exact up to 2^24, and several times as fast as a sum of integers."""
    return jnp.where(chosen, 1.0, 0.0).sum(axis=1)
