import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.laplacian import attention_laplacian, drop_edges, mean_of_users
from kdiffe_jax.ops.sparse import laplacian_blocks
from tests.reference import oracles

SIZES = dict(n_users=7, n_items=5)


@pytest.fixture
def edges(rng):
    pairs = np.unique(rng.integers(0, [6, 5], (14, 2)), axis=0)
    return pairs, rng.random(len(pairs)).astype(np.float32)


@pytest.mark.parametrize("degree_from", ["adjacency", "weighted"])
@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("xi", [0.0, 0.7, 5.0])
def test_equals_eq_4(edges, xi, self_loops, degree_from):
    pairs, similarity = edges
    options = dict(xi=xi, degree_from=degree_from, self_loops=self_loops)
    found = attention_laplacian(pairs[:, 0], pairs[:, 1], similarity, **SIZES, **options)
    expected = oracles.laplacian(pairs, similarity, **SIZES, **options)
    np.testing.assert_allclose(found.todense(), expected, rtol=1e-5, atol=1e-7)
    assert found.indices_sorted


def test_hand_computed():
    """User 0 has items 0 and 1, user 1 has item 1; S = 1/2 everywhere, xi = 1."""
    users, items = np.array([0, 0, 1]), np.array([0, 1, 1])
    found = attention_laplacian(
        users, items, np.full(3, 0.5, np.float32), n_users=2, n_items=2, xi=1.0
    ).todense()
    np.testing.assert_allclose(found[0, 2], 1.5 / np.sqrt(2 * 1), rtol=1e-6)
    np.testing.assert_allclose(found[0, 3], 1.5 / np.sqrt(2 * 2), rtol=1e-6)
    np.testing.assert_allclose(found[1, 3], 1.5 / np.sqrt(1 * 2), rtol=1e-6)


def test_symmetric_finite_and_empty_for_isolated_nodes(edges):
    pairs, similarity = edges
    dense = attention_laplacian(pairs[:, 0], pairs[:, 1], similarity, **SIZES, xi=0.7).todense()
    np.testing.assert_array_equal(dense, dense.T)
    assert np.isfinite(dense).all() and not dense[6].any()


def test_gradient_with_respect_to_xi(edges):
    pairs, similarity = edges

    def total(xi):
        matrix = attention_laplacian(pairs[:, 0], pairs[:, 1], similarity, **SIZES, xi=xi)
        return jnp.sum(matrix.data)

    zero, one = (float(total(xi)) for xi in (0.0, 1.0))
    np.testing.assert_allclose(jax.grad(total)(0.3), one - zero, rtol=1e-4)


def test_unknown_degree_source_is_refused(edges):
    pairs, similarity = edges
    with pytest.raises(ValueError, match="degree_from"):
        attention_laplacian(
            pairs[:, 0], pairs[:, 1], similarity, **SIZES, xi=0.7, degree_from="both"
        )


def test_mean_of_users_is_eq_11(edges):
    pairs, _ = edges
    operator = mean_of_users(pairs[:, 0], pairs[:, 1], **SIZES).todense()
    for item in range(5):
        users = pairs[pairs[:, 1] == item, 0]
        expected = np.zeros(7)
        if len(users):
            expected[users] = 1 / len(users)
        np.testing.assert_allclose(operator[item], expected, rtol=1e-6)


def dense(laplacian):
    """The whole matrix of the blocks."""
    there, back, loops = laplacian
    n_users, n_nodes = len(there.row_starts) - 1, len(there.row_starts) + len(back.row_starts) - 2
    matrix = np.zeros((n_nodes, n_nodes))
    matrix[there.rows, n_users + there.columns] = there.values
    matrix[n_users + back.rows, back.columns] = back.values
    return matrix if loops is None else matrix + np.diag(loops)


@pytest.mark.parametrize("self_loops", [False, True])
def test_dropped_edges_are_the_laplacian_of_what_is_left(edges, self_loops):
    pairs, similarity = edges
    options = dict(xi=0.7, self_loops=self_loops)
    whole = attention_laplacian(pairs[:, 0], pairs[:, 1], similarity, **SIZES, **options)
    blocks = laplacian_blocks(whole, n_users=SIZES["n_users"])
    found = dense(drop_edges(blocks, jax.random.key(1), 0.4))
    kept = found[pairs[:, 0], SIZES["n_users"] + pairs[:, 1]] != 0
    assert 0 < kept.sum() < len(pairs)
    expected = oracles.laplacian(
        pairs[kept], similarity[kept], **SIZES, **options, degree_from="adjacency"
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    none = drop_edges(blocks, jax.random.key(1), 0.0)
    np.testing.assert_array_equal(dense(none), dense(blocks))


def test_the_share_of_dropped_edges(rng):
    pairs = np.unique(rng.integers(0, [60, 50], (2000, 2)), axis=0)
    whole = attention_laplacian(
        pairs[:, 0], pairs[:, 1], np.zeros(len(pairs)), n_users=60, n_items=50, xi=0.0
    )
    dropped = drop_edges(laplacian_blocks(whole, n_users=60), jax.random.key(0), 0.25)
    assert abs(float((dropped.to_users.values == 0).mean()) - 0.25) < 0.04
