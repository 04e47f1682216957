"""Both directions of one matrix of inner products, beside two matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.ops.log_sum_exp import log_sum_exp
from kdiffe_jax.ops.two_way_log_sum_exp import two_way_log_sum_exp


@pytest.fixture
def tables(rng):
    return [jnp.asarray(rng.normal(size=(9, 4)), jnp.float32) for _ in range(3)]


def value_and_slopes(sums, left, right, upstream):
    def total(left, right):
        found = jnp.stack(sums(left, right))
        return (found * upstream.ravel()[: found.size].reshape(found.shape)).sum(), found

    (_, found), slopes = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(left, right)
    return found, *slopes


def test_it_is_two_sums_over_the_rows_that_are_real(tables):
    real = jnp.arange(9) % 3 < 2
    upstream = tables[2]

    def at_once(left, right):
        return [sums[real] for sums in two_way_log_sum_exp(left, right, real)]

    def one_by_one(left, right):
        sides = (left, right), (right, left)
        return [log_sum_exp(a, b, real.astype(jnp.float32))[real] for a, b in sides]

    found = value_and_slopes(at_once, *tables[:2], upstream)
    expected = value_and_slopes(one_by_one, *tables[:2], upstream)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e4])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_it_is_finite(tables, scale, share):
    real = jnp.arange(9) < 9 * share
    left, right = (scale * table for table in tables[:2])
    found = value_and_slopes(lambda *sides: two_way_log_sum_exp(*sides, real), left, right, left)
    assert all(np.isfinite(array).all() for array in found)
