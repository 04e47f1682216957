"""z~, what guides the denoiser: the mean embedding of each item's users (eq. 11)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Inputs
from kdiffe_jax.ops.spmm import multiply


def mean_of_item_users(users: jax.Array, inputs: Inputs, *, gradient: bool) -> jax.Array:
    """The mean of eq. 11, f32[J, d].

    The gradient is cut unless it is let through; rows of items without users are zero.
    """
    return multiply(inputs.item_users, users if gradient else jax.lax.stop_gradient(users))


def of_unit_scale(rows: jax.Array) -> jax.Array:
    """Rows less their mean, divided by the root of their mean squared length.

    What all items share tells the denoiser nothing, and embeddings grow while it trains. Rows of
    zeros, of items without users, stay zeros and do not count.

    Args:
      rows: f32[J, d].

    >>> of_unit_scale(jnp.array([[3.0, 1.0], [5.0, 1.0], [0.0, 0.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    """
    known = jnp.any(rows != 0, axis=1, keepdims=True)
    count = jnp.maximum(known.sum(), 1)
    centred = jnp.where(known, rows - rows.sum(axis=0, keepdims=True) / count, 0.0)
    squared = jnp.sum(jnp.square(centred)) / count
    return centred * jax.lax.rsqrt(jnp.maximum(squared, 1e-20))
