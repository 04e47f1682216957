"""The normalised Laplacian of the user-item graph, and the mean over an item's users."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.experimental.sparse import BCOO


def normalised_laplacian(
    users: jax.Array,
    items: jax.Array,
    weights: jax.Array,
    counted: jax.Array,
    *,
    n_users: int,
    n_items: int,
) -> BCOO:
    """D^-1/2 W D^-1/2 over users and items, both bipartite blocks of W.

    Args:
      users, items: i32[n], the interactions, each pair once.
      weights: f32[n], W on them; all 1 gives LightGCN's Laplacian.
      counted: f32[n], what each counts in D.
      n_users, n_items: sizes I and J.

    Returns:
      Symmetric BCOO f32[I + J, I + J], indices sorted and unique; item j is node I + j.
      A node without interactions has an empty row.
    """
    n_nodes = n_users + n_items
    users = jnp.asarray(users, jnp.int32)
    items = jnp.asarray(items, jnp.int32) + n_users
    rows, columns = jnp.concatenate([users, items]), jnp.concatenate([items, users])
    values, counted = jnp.concatenate([weights, weights]), jnp.concatenate([counted, counted])
    degrees = jax.ops.segment_sum(counted, rows, n_nodes)
    scale = jnp.where(degrees > 0, 1.0 / jnp.sqrt(jnp.maximum(degrees, 1e-12)), 0.0)
    order = jnp.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    return BCOO(
        (values * (scale[rows] * scale[columns]), jnp.stack([rows, columns], axis=1)),
        shape=(n_nodes, n_nodes),
        indices_sorted=True,
        unique_indices=True,
    )


@partial(jax.jit, static_argnames=("n_users", "n_items"))
def mean_of_users(users: jax.Array, items: jax.Array, *, n_users: int, n_items: int) -> BCOO:
    """The operator that averages the embeddings of an item's users (eq. 11).

    Args:
      users, items: i32[n], the interactions, each pair once.
      n_users, n_items: sizes I and J.

    Returns:
      BCOO f32[J, I], indices sorted; rows sum to 1, or are empty where an item has no user.
    """
    items, users = jnp.asarray(items, jnp.int32), jnp.asarray(users, jnp.int32)
    order = jnp.lexsort((users, items))
    items, users = items[order], users[order]
    degrees = jax.ops.segment_sum(jnp.ones(len(items)), items, n_items)
    return BCOO(
        (1.0 / degrees[items], jnp.stack([items, users], axis=1)),
        shape=(n_items, n_users),
        indices_sorted=True,
        unique_indices=True,
    )
