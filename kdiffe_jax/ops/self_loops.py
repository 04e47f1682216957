"""The user-item graph with self-loops, computed from the graph without.

L has entries 1/sqrt(d_u d_i), so A x = D^1/2 L D^1/2 x, and any power of the degrees that count
the loop needs no further matrix.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.propagate import next_layer
from kdiffe_jax.ops.sparse_types import Laplacian


def next_layer_with_loops(
    laplacian: Laplacian,
    degrees: tuple[jax.Array, jax.Array],
    users: jax.Array,
    items: jax.Array,
    *,
    popularity: float = 0.0,
) -> tuple[jax.Array, jax.Array]:
    """D^-1/2 (A + I) D^-(1/2 - popularity) x, D the degrees of A + I.

    Args:
      laplacian: D_A^-1/2 A D_A^-1/2, every edge of weight 1, none dropped.
      degrees: f32[I] and f32[J] of A.
      users, items: f32[I, d] and f32[J, d], x.
      popularity: the power that makes nodes of many edges pass on more; 0 is the symmetric form.

    Returns:
      f32[I, d] and f32[J, d].
    """
    outer, inner = ([(d + 1.0) ** power for d in degrees] for power in (-0.5, popularity - 0.5))
    edges = [jnp.sqrt(d) for d in degrees]
    rows = [s[:, None] * x for s, x in zip(inner, (users, items), strict=True)]
    sent = (e[:, None] * x for e, x in zip(edges, rows, strict=True))
    reached = next_layer(laplacian, *sent)
    parts = zip(outer, edges, reached, rows, strict=True)
    of_users, of_items = (o[:, None] * (e[:, None] * z + x) for o, e, z, x in parts)
    return of_users, of_items
