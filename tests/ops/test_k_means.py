"""k-means beside scipy's, from the same first centres."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from kdiffe_jax.ops.k_means import k_means, means_of_nearest, nearest


@pytest.fixture
def rows(rng):
    return rng.normal(size=(60, 3)) + 4 * rng.integers(0, 2, size=(60, 1))


@pytest.mark.parametrize("block", (1, 16, 60, 1024))
@pytest.mark.parametrize("clusters", (1, 5, 60))
def test_it_is_lloyds_algorithm(rows, clusters, block):
    with jax.enable_x64(True):
        key = jax.random.key(3)
        found = k_means(jnp.asarray(rows), key, clusters=clusters, iterations=7, block=block)
        first = rows[np.asarray(jax.random.permutation(key, len(rows)))[:clusters]]
    centres, _ = kmeans2(rows, first, iter=7, minit="matrix", missing="raise")
    np.testing.assert_allclose(found.centres, centres, rtol=1e-12)
    distances = np.linalg.norm(rows[:, None] - centres[None], axis=2)
    np.testing.assert_array_equal(found.assignment, distances.argmin(axis=1))


def test_more_iterations_come_closer(rows):
    def spread(iterations):
        found = k_means(jnp.asarray(rows), jax.random.key(0), clusters=6, iterations=iterations)
        return float(jnp.square(rows - found.centres[found.assignment]).sum())

    spreads = [spread(iterations) for iterations in range(6)]
    assert all(
        later <= earlier + 1e-3 for earlier, later in zip(spreads, spreads[1:], strict=False)
    )
    assert spreads[-1] < spreads[0]


def test_a_cluster_without_rows_keeps_its_centre():
    rows, centres = jnp.array([[0.0, 0.0], [2.0, 0.0]]), jnp.array([[1.0, 0.0], [50.0, 50.0]])
    assert nearest(rows, centres).tolist() == [0, 0]
    assert means_of_nearest(rows, centres).tolist() == centres.tolist()


@pytest.mark.parametrize("scale", (0.0, 1e6))
def test_rows_that_are_equal_or_long_stay_finite(rows, scale):
    found = jax.jit(lambda rows: k_means(rows, jax.random.key(0), clusters=50))(scale * rows)
    assert np.isfinite(found.centres).all()
    assert ((found.assignment >= 0) & (found.assignment < 50)).all()
