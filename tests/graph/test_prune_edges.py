import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.graph.prune_edges import drawn_edges, prune_edges
from tests.graph.test_drop_edges import blocks_of, dense


def test_what_is_left_is_the_laplacian_of_a_fixed_number_of_edges(rng):
    users, items = np.unique(rng.integers(0, [60, 50], (900, 2)), axis=0).T
    whole = blocks_of(users, items, jnp.ones(len(users)), n_users=61, n_items=51)
    matrix, transposed = dense(prune_edges(whole, jax.random.key(1), 0.8))
    kept = matrix[users, items] != 0
    assert kept.sum() == int(0.2 * len(users))
    degrees = np.bincount(users[kept], minlength=61), np.bincount(items[kept], minlength=51)
    expected = np.zeros((61, 51))
    left = users[kept], items[kept]
    expected[left] = 1 / np.sqrt(degrees[0][left[0]] * degrees[1][left[1]])
    np.testing.assert_allclose(matrix, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(matrix, transposed)


def test_edges_stay_as_if_drawn_one_after_another():
    """Two of three edges: P(i, j) = sum over both orders of w_i w_j / (1 - w_i)."""
    weights = np.array([0.5, 0.3, 0.2])
    draw = jax.vmap(lambda key: drawn_edges(jnp.asarray(weights, jnp.float32), key, 0.33))
    kept = np.asarray(draw(jax.random.split(jax.random.key(0), 20000)))
    assert (kept.sum(axis=1) == 2).all()
    for gone in range(3):
        i, j = (n for n in range(3) if n != gone)
        expected = weights[i] * weights[j] * (1 / (1 - weights[i]) + 1 / (1 - weights[j]))
        assert abs((kept[:, gone] == 0).mean() - expected) < 0.015


def test_one_edge_stays_at_least():
    assert drawn_edges(jnp.ones(3), jax.random.key(0), 0.99).sum() == 1
