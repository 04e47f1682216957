"""Propagation over the user-item graph with self-loops."""

from __future__ import annotations

import jax

from kdiffe_jax.ops.self_loops import next_layer_with_loops
from kdiffe_jax.ops.sparse_types import Laplacian


def propagate_with_loops(
    laplacian: Laplacian,
    degrees: tuple[jax.Array, jax.Array],
    users: jax.Array,
    items: jax.Array,
    *,
    layers: int,
    pooling: str,
) -> tuple[jax.Array, jax.Array]:
    """X, L' X, ..., L'^layers X, pooled; L' = D^-1/2 (A + I) D^-1/2.

    Args:
      laplacian, degrees, users, items: as in `next_layer_with_loops`.
      layers: at least 0.
      pooling: "sum" or "mean" of the layers, or the "last".

    Returns:
      f32[I, d] and f32[J, d].
    """
    layer = total = (users, items)
    for _ in range(layers):
        layer = next_layer_with_loops(laplacian, degrees, *layer)
        total = (total[0] + layer[0], total[1] + layer[1])
    if pooling == "last":
        return layer
    if pooling == "mean":
        return total[0] / (layers + 1), total[1] / (layers + 1)
    return total
