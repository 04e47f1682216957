"""The user-item graph without edges between nodes of many edges (FREEDOM's pruning)."""

from __future__ import annotations

from functools import singledispatch

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import Laplacian, SparseOperator

GUARD = 1e-7  #: added to the degrees of what is left, as in the authors' program


def prune_edges(laplacian: Laplacian, key: jax.Array, share: float) -> Laplacian:
    """The Laplacian of a random part of the edges, in the same places.

    The number of edges that stay is fixed. They are drawn one after another without putting back,
    by 1/sqrt(d_u d_i), so edges of busy nodes go first. Both directions of an edge go together; D
    is taken anew.

    Args:
      laplacian: eq. 4, every edge of weight 1; its values are the weights of the draw.
      key: of the draw.
      share: of the edges that go.

    Returns:
      The same blocks with other values, 0 where an edge is gone.
    """
    return pruned(*laplacian, key, share)


@singledispatch
def pruned(
    to_users: SparseOperator, to_items: SparseOperator, key: jax.Array, share: float
) -> Laplacian:
    """`prune_edges` of a Laplacian's blocks. Other kinds of blocks register their own form."""
    return with_edges(Laplacian(to_users, to_items), drawn_edges(to_users.values, key, share))


def drawn_edges(weights: jax.Array, key: jax.Array, share: float) -> jax.Array:
    """1 for the edges that stay, 0 for the others.

    The largest of log weight + Gumbel noise are a draw without putting back.

    Args:
      weights: f32[n].
      key: of the draw.
      share: of the edges that go; at least one stays.
    """
    n_edges = weights.shape[0]
    scores = jnp.log(weights) + jax.random.gumbel(key, (n_edges,))
    _, kept = jax.lax.top_k(scores, max(1, int(n_edges * (1.0 - share))))
    return jnp.zeros_like(weights).at[kept].set(1.0)


def with_edges(laplacian: Laplacian, kept: jax.Array) -> Laplacian:
    """The Laplacian of the edges whose entry in f32[n] is 1, in the order of `to_users`."""
    to_users, to_items = laplacian
    n_users, n_items = (block.row_starts.shape[0] - 1 for block in laplacian)
    of_users = jax.ops.segment_sum(kept, to_users.rows, n_users, indices_are_sorted=True)
    of_items = jax.ops.segment_sum(kept, to_users.columns, n_items)
    left, right = ((degrees + GUARD) ** -0.5 for degrees in (of_users, of_items))
    values = kept * left[to_users.rows] * right[to_users.columns]
    transposed = values[to_users.to_transpose]
    return Laplacian(to_users._replace(values=values), to_items._replace(values=transposed))
