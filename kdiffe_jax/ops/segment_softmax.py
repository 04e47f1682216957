"""Softmax within segments, such as over a node's edges."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def segment_softmax(
    logits: jax.Array, weights: jax.Array, segments: jax.Array, *, n_segments: int
) -> jax.Array:
    """Softmax within segments: w_i exp(l_i) / sum_j w_j exp(l_j).

    Args:
      logits: f32[n].
      weights: f32[n], 0 removes an entry.
      segments: i32[n], sorted.
      n_segments: their number; empty segments are fine.

    Returns:
      f32[n]; a segment's entries sum to 1 where its largest logit has a weight of 1e-30 or more,
      and are all 0 where none has weight.
    """
    shift = jax.ops.segment_max(
        jnp.where(weights > 0, logits, -jnp.inf), segments, n_segments, indices_are_sorted=True
    )
    shift = jax.lax.stop_gradient(jnp.where(jnp.isfinite(shift), shift, 0.0))
    exponent = jnp.where(weights > 0, logits - shift[segments], 0.0)
    scaled = weights * jnp.exp(exponent)
    total = jax.ops.segment_sum(scaled, segments, n_segments, indices_are_sorted=True)
    return scaled / jnp.maximum(total, 1e-30)[segments]
