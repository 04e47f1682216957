"""log sum_v w_v exp(a . c_v) over many candidates, a block of them at a time.

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
    block = min(block, candidates.shape[0])
    missing = -candidates.shape[0] % block
    candidates = jnp.pad(candidates, ((0, missing), (0, 0)))
    log_weights = jnp.log(jnp.pad(jax.lax.stop_gradient(weights), (0, missing)))
    return _blocked(block, anchors, candidates, log_weights)


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
        return to_anchors + pull @ part[0], pull.T @ anchors

    to_anchors, to_candidates = jax.lax.scan(
        one_block, jnp.zeros_like(anchors), _blocks(block, candidates, log_weights)
    )
    return to_anchors, to_candidates.reshape(candidates.shape), jnp.zeros_like(log_weights)


_blocked.defvjp(_forward, _backward)
