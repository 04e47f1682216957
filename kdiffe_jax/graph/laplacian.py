"""The attention-aware Laplacian D^-1/2 (A + xi S) D^-1/2 (eq. 4)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.experimental.sparse import BCOO


def attention_laplacian(
    users: jax.Array,
    items: jax.Array,
    similarity: jax.Array,
    *,
    n_users: int,
    n_items: int,
    xi: float | jax.Array,
    degree_from: str = "adjacency",
    self_loops: bool = False,
) -> BCOO:
    """L = D^-1/2 (A + xi S) D^-1/2 over users and items (eq. 4), both bipartite blocks.

    Args:
      users, items: i32[n], the interactions, each pair once.
      similarity: f32[n], S on the interactions (eq. 5).
      n_users, n_items: sizes I and J.
      xi: weight of S, may be traced; 0 gives LightGCN's Laplacian.
      degree_from: "adjacency" takes D from A as eq. 4 does, "weighted" from A + xi S.
      self_loops: add the identity to A before D is taken.

    Returns:
      Symmetric BCOO f32[I + J, I + J], indices sorted and unique; item j is node I + j.
      A node without interactions has an empty row.

    Raises:
      ValueError: an unknown `degree_from`.
    """
    weights, counted = entry_weights(similarity, xi=xi, degree_from=degree_from)
    n_nodes = n_users + n_items
    users = jnp.asarray(users, jnp.int32)
    items = jnp.asarray(items, jnp.int32) + n_users
    rows, columns = jnp.concatenate([users, items]), jnp.concatenate([items, users])
    values = jnp.concatenate([weights, weights])
    counted = jnp.concatenate([counted, counted])
    if self_loops:
        nodes = jnp.arange(n_nodes, dtype=jnp.int32)
        rows, columns = jnp.concatenate([rows, nodes]), jnp.concatenate([columns, nodes])
        values = jnp.concatenate([values, jnp.ones(n_nodes)])
        counted = jnp.concatenate([counted, jnp.ones(n_nodes)])
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


def entry_weights(
    similarity: jax.Array, *, xi: float | jax.Array, degree_from: str
) -> tuple[jax.Array, jax.Array]:
    """1 + xi S of every interaction, and what it counts in D; both f32[n].

    Raises:
      ValueError: an unknown `degree_from`.
    """
    if degree_from not in ("adjacency", "weighted"):
        raise ValueError(f"degree_from={degree_from!r}: expected 'adjacency' or 'weighted'")
    weights = 1.0 + xi * jnp.asarray(similarity, jnp.float32)
    return weights, weights if degree_from == "weighted" else jnp.ones_like(weights)


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
