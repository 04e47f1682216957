"""Propagation over the blocks of the Laplacian against powers of the dense matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.sparse import BCOO

from kdiffe_jax.ops.propagate import propagate, propagate_items
from kdiffe_jax.ops.sparse import laplacian_blocks

POOLINGS = ("sum", "mean", "last")


@pytest.fixture
def matrix(rng):
    """Symmetric, over 5 users and 3 items."""
    dense = np.zeros((8, 8), np.float32)
    dense[:5, 5:] = rng.random((5, 3)) * (rng.random((5, 3)) < 0.7)
    return dense + dense.T


def blocks_of(matrix):
    return laplacian_blocks(BCOO.fromdense(jnp.asarray(matrix)).sort_indices(), n_users=5)


def pooled(matrix, layers, pooling):
    powers = [np.linalg.matrix_power(matrix, layer) for layer in range(layers + 1)]
    return {"sum": sum(powers), "mean": sum(powers) / len(powers), "last": powers[-1]}[pooling]


@pytest.mark.parametrize("layers", (0, 1, 3))
def test_propagation_and_its_gradient_pool_the_powers(rng, matrix, layers):
    x, upstream = rng.normal(size=(2, 8, 3)).astype(np.float32)
    laplacian = blocks_of(matrix)

    @jax.jit
    def both_ways(x, upstream):
        def pull_of(pooling):
            found, pull = jax.vjp(
                lambda u, i: propagate(laplacian, u, i, layers=layers, pooling=pooling),
                x[:5],
                x[5:],
            )
            return jnp.concatenate(found), jnp.concatenate(pull((upstream[:5], upstream[5:])))

        return {pooling: pull_of(pooling) for pooling in POOLINGS}

    for pooling, (found, gradient) in both_ways(x, upstream).items():
        expected = pooled(matrix, layers, pooling)
        np.testing.assert_allclose(found, expected @ x, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gradient, expected @ upstream, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", (0, 1, 2, 3))
def test_items_alone_are_propagation_with_zero_users(rng, matrix, layers):
    laplacian = blocks_of(matrix)

    @jax.jit
    def both(items):
        of = [dict(layers=layers, pooling=pooling) for pooling in POOLINGS]
        alone = [propagate_items(laplacian, items, **each) for each in of]
        return alone, [propagate(laplacian, jnp.zeros((5, 4)), items, **each) for each in of]

    found, expected = both(jnp.asarray(rng.normal(size=(3, 4)), jnp.float32))
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
