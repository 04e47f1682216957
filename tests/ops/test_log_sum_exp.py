"""The sum over blocks of candidates against the whole matrix of logits in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from kdiffe_jax.ops import losses
from kdiffe_jax.ops.log_sum_exp import log_sum_exp


@pytest.fixture
def case(rng):
    anchors, candidates = (jnp.asarray(rng.normal(size=(n, 5)), jnp.float32) for n in (7, 23))
    weights = jnp.asarray(rng.integers(0, 3, 23), jnp.float32)
    return anchors, candidates, weights


@pytest.mark.parametrize("block", (1, 8, 23, 100))
def test_value_and_gradients(case, block):
    anchors, candidates, weights = case

    @jax.jit
    def both_ways(anchors, upstream):
        found, pull = jax.vjp(
            lambda a, c: log_sum_exp(a, c, weights, block=block), anchors, candidates
        )
        return found, pull(upstream)

    weigh, upstream = np.asarray(weights, np.float64)[None], np.arange(1.0, 8.0)
    for scale in (1.0, 1e3):
        scaled = anchors * scale
        logits = np.asarray(scaled, np.float64) @ np.asarray(candidates, np.float64).T
        expected = logsumexp(logits, axis=1, b=weigh)
        found, (to_anchors, to_candidates) = both_ways(scaled, jnp.asarray(upstream, jnp.float32))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
        shares = weigh * np.exp(logits - expected[:, None]) * upstream[:, None]
        np.testing.assert_allclose(to_anchors, shares @ candidates, rtol=2e-3, atol=2e-3)
        wanted = shares.T @ scaled
        np.testing.assert_allclose(to_candidates, wanted, rtol=2e-3, atol=2e-3 * scale)


def test_first_blocks_without_any_weight(case):
    anchors, candidates, _ = case
    weights = jnp.zeros(23).at[-1].set(1.0)
    found = log_sum_exp(anchors, candidates, weights, block=4)
    np.testing.assert_allclose(found, anchors @ candidates[-1], rtol=1e-5, atol=1e-6)


def test_info_nce_is_the_same_in_blocks(case, monkeypatch):
    anchors, candidates, weights = case
    index = jnp.arange(7)

    def loss(anchors, candidates):
        losses_of = losses.info_nce(
            anchors, candidates, index, temperature=0.05, candidate_weights=weights + 1
        )
        return losses_of.sum()

    whole = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(anchors, candidates)
    monkeypatch.setattr(losses, "log_sum_exp", partial(log_sum_exp, block=10))
    blocks = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(anchors, candidates)
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(blocks), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
