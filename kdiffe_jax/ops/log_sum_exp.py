"""log sum_v w_v exp(a . c_v) over candidates, a block of them at a time where they are many.

The logits of eq. 13 over all nodes are [batch, nodes]. Neither the value nor the gradient
needs them at once: the sum is accumulated over blocks of candidates, and the backward pass
makes each block's softmax anew from the sum that it kept.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

CANDIDATES_AT_ONCE = 4096


def log_sum_exp(
    anchors: jax.Array,
    candidates: jax.Array,
    weights: jax.Array | None = None,
    *,
    block: int = CANDIDATES_AT_ONCE,
) -> jax.Array:
    """log sum_v w_v exp(a . c_v) for every anchor a; memory for [n, block] logits.

    Args:
      anchors: f32[n, d].
      candidates: f32[m, d].
      weights: f32[m], at least 0, not all 0, all 1 if omitted; not differentiated.
      block: candidates at once.

    Returns:
      f32[n].

    >>> print(log_sum_exp(jnp.zeros((1, 3)), jnp.ones((2, 3))).round(4))
    [0.6931]
    """
    if weights is None:
        weights = jnp.ones(candidates.shape[0])
    log_weights = jnp.log(jax.lax.stop_gradient(weights))
    if candidates.shape[0] <= block:
        return _whole(anchors, candidates, log_weights)
    missing = -candidates.shape[0] % block
    candidates = jnp.pad(candidates, ((0, missing), (0, 0)))
    log_weights = jnp.pad(log_weights, (0, missing), constant_values=-jnp.inf)
    return _blocked(block, anchors, candidates, log_weights)


@jax.custom_vjp
def _whole(anchors, candidates, log_weights):
    return _whole_forward(anchors, candidates, log_weights)[0]


def _whole_forward(anchors, candidates, log_weights):
    logits = anchors @ candidates.T + log_weights[None]
    largest = logits.max(axis=1)
    scaled = jnp.exp(logits - largest[:, None])
    total = scaled.sum(axis=1)
    return largest + jnp.log(total), (anchors, candidates, scaled, total)


def _whole_backward(saved, gradient):
    anchors, candidates, scaled, total = saved
    pull = (gradient / total)[:, None]
    to_candidates = _transpose_times(scaled, pull * anchors)
    return pull * (scaled @ candidates), to_candidates, jnp.zeros(candidates.shape[0])


_whole.defvjp(_whole_forward, _whole_backward)


def _transpose_times(matrix: jax.Array, rows: jax.Array) -> jax.Array:
    """matrix^T @ rows by transposing the small sides, which XLA would undo on its own."""
    fixed = jax.lax.optimization_barrier
    return fixed(fixed(rows.T) @ matrix).T


def _blocks(block: int, candidates: jax.Array, log_weights: jax.Array):
    return candidates.reshape(-1, block, candidates.shape[1]), log_weights.reshape(-1, block)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _blocked(block: int, anchors, candidates, log_weights):
    def accumulate(carry, part):
        largest, total = carry
        logits = anchors @ part[0].T + part[1][None]
        now = jnp.maximum(largest, logits.max(axis=1))
        shift = jnp.where(jnp.isfinite(now), now, 0.0)
        total = total * jnp.exp(largest - shift) + jnp.exp(logits - shift[:, None]).sum(axis=1)
        return (now, total), None

    start = (jnp.full(anchors.shape[0], -jnp.inf), jnp.zeros(anchors.shape[0]))
    (largest, total), _ = jax.lax.scan(accumulate, start, _blocks(block, candidates, log_weights))
    return largest + jnp.log(total)


def _forward(block: int, anchors, candidates, log_weights):
    sums = _blocked(block, anchors, candidates, log_weights)
    return sums, (anchors, candidates, log_weights, sums)


def _backward(block: int, saved, gradient):
    anchors, candidates, log_weights, sums = saved

    def one_block(to_anchors, part):
        logits = anchors @ part[0].T + part[1][None]
        pull = jnp.exp(logits - sums[:, None]) * gradient[:, None]
        return to_anchors + pull @ part[0], _transpose_times(pull, anchors)

    to_anchors, to_candidates = jax.lax.scan(
        one_block, jnp.zeros_like(anchors), _blocks(block, candidates, log_weights)
    )
    return to_anchors, to_candidates.reshape(candidates.shape), jnp.zeros_like(log_weights)


_blocked.defvjp(_forward, _backward)
