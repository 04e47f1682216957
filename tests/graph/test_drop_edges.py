import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.drop_edges import drop_edges, drop_nodes
from kdiffe_jax.graph.laplacian import normalised_laplacian
from kdiffe_jax.ops.sparse import laplacian_blocks


def blocks_of(users, items, weights, *, n_users, n_items):
    ones = jnp.ones(len(users))
    sizes = dict(n_users=n_users, n_items=n_items)
    return laplacian_blocks(
        normalised_laplacian(users, items, weights, ones, **sizes), n_users=n_users
    )


def dense(blocks):
    """f64[I, J] of each direction."""
    forward, back = blocks
    matrix = np.zeros((len(forward.row_starts) - 1, len(back.row_starts) - 1))
    transposed = np.zeros_like(matrix)
    matrix[forward.rows, forward.columns] = forward.values
    transposed[back.columns, back.rows] = back.values
    return matrix, transposed


def test_what_is_left_is_the_laplacian_of_the_edges_that_stay(rng):
    users, items = np.unique(rng.integers(0, [6, 5], (14, 2)), axis=0).T
    weights = 1 + rng.random(len(users), np.float32)
    whole = blocks_of(users, items, weights, n_users=7, n_items=5)
    matrix, transposed = dense(drop_edges(whole, jax.random.key(1), 0.4))
    kept = matrix[users, items] != 0
    assert 0 < kept.sum() < len(users)
    degrees = np.bincount(users[kept], minlength=7), np.bincount(items[kept], minlength=5)
    expected = np.zeros((7, 5))
    expected[users[kept], items[kept]] = weights[kept] / np.sqrt(
        degrees[0][users[kept]] * degrees[1][items[kept]]
    )
    np.testing.assert_allclose(matrix, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(matrix, transposed)
    none = drop_edges(whole, jax.random.key(1), 0.0)
    jax.tree.map(np.testing.assert_array_equal, dense(none), dense(whole))


def test_the_share_of_dropped_edges(rng):
    users, items = np.unique(rng.integers(0, [60, 50], (2000, 2)), axis=0).T
    whole = blocks_of(users, items, jnp.ones(len(users)), n_users=60, n_items=50)
    dropped = drop_edges(whole, jax.random.key(0), 0.25)
    assert abs(float((dropped.to_users.values == 0).mean()) - 0.25) < 0.04


@pytest.mark.parametrize("share", (0.0, 0.3, 0.9))
def test_without_nodes_is_the_laplacian_of_the_edges_between_the_others(rng, share):
    """An exact share of users and of items loses every edge; two keys drop others."""
    users, items = np.unique(rng.integers(0, [40, 50], (900, 2)), axis=0).T
    whole = blocks_of(users, items, jnp.ones(len(users)), n_users=40, n_items=50)
    matrix, transposed = dense(drop_nodes(whole, jax.random.key(1), share))
    np.testing.assert_array_equal(matrix, transposed)
    stay = matrix.any(axis=1), matrix.any(axis=0)
    if share < 0.5:  # every node that stays keeps an edge
        assert [int((~side).sum()) for side in stay] == [int(40 * share), int(50 * share)]
    kept = stay[0][users] & stay[1][items]
    expected = blocks_of(users[kept], items[kept], jnp.ones(kept.sum()), n_users=40, n_items=50)
    np.testing.assert_allclose(matrix, dense(expected)[0], rtol=1e-5)
    other = dense(drop_nodes(whole, jax.random.key(2), share))[0]
    assert (other != matrix).any() == (share > 0)
