import numpy as np
import pytest

from kdiffe_jax.graph.laplacian import mean_of_users, normalised_laplacian

SIZES = dict(n_users=7, n_items=5)


@pytest.fixture
def edges(rng):
    """Users and items of a graph in which user 6 has nothing."""
    return np.unique(rng.integers(0, [6, 5], (14, 2)), axis=0).T


def test_weights_over_the_roots_of_what_counts(edges, rng):
    (users, items), (weights, counted) = edges, rng.random((2, edges.shape[1]), np.float32)
    found = normalised_laplacian(users, items, weights, counted, **SIZES)
    degrees = np.bincount(users, counted, 7), np.bincount(items, counted, 5)
    expected = np.zeros((12, 12))
    expected[users, 7 + items] = weights / np.sqrt(degrees[0][users] * degrees[1][items])
    expected += expected.T
    dense = np.asarray(found.todense())
    np.testing.assert_allclose(dense, expected, rtol=1e-5, atol=1e-7)
    assert found.indices_sorted and not dense[6].any()
    np.testing.assert_array_equal(dense, dense.T)


def test_mean_of_users_is_eq_11(edges):
    users, items = edges
    operator = mean_of_users(users, items, **SIZES).todense()
    for item in range(5):
        own = users[items == item]
        expected = np.zeros(7)
        if len(own):
            expected[own] = 1 / len(own)
        np.testing.assert_allclose(operator[item], expected, rtol=1e-6)
