"""The attention-aware Laplacian D^-1/2 (A + xi S) D^-1/2 (eq. 4)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.experimental.sparse import BCOO

from kdiffe_jax.graph.laplacian import normalised_laplacian


def attention_laplacian(
    users: jax.Array,
    items: jax.Array,
    similarity: jax.Array,
    *,
    n_users: int,
    n_items: int,
    xi: float | jax.Array,
    degree_from: str = "adjacency",
) -> BCOO:
    """L = D^-1/2 (A + xi S) D^-1/2 over users and items (eq. 4), both bipartite blocks.

    Args:
      users, items: i32[n], the interactions, each pair once.
      similarity: f32[n], S on the interactions (eq. 5).
      n_users, n_items: sizes I and J.
      xi: weight of S, may be traced; 0 gives LightGCN's Laplacian.
      degree_from: "adjacency" takes D from A as eq. 4 does, "weighted" from A + xi S.

    Returns:
      As `normalised_laplacian`.

    Raises:
      ValueError: an unknown `degree_from`.
    """
    weights, counted = entry_weights(similarity, xi=xi, degree_from=degree_from)
    return normalised_laplacian(users, items, weights, counted, n_users=n_users, n_items=n_items)


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
