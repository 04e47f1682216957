"""Eq. 4 against the dense matrix, and what it is without S."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.attention_laplacian import attention_laplacian
from tests.reference import oracles
from tests.small_setups import assert_equal, small_setup

SIZES = dict(n_users=7, n_items=5)


@pytest.fixture
def edges(rng):
    pairs = np.unique(rng.integers(0, [6, 5], (14, 2)), axis=0)
    return pairs, rng.random(len(pairs)).astype(np.float32)


@pytest.mark.parametrize("degree_from", ["adjacency", "weighted"])
@pytest.mark.parametrize("xi", [0.0, 0.7, 5.0])
def test_equals_eq_4(edges, xi, degree_from):
    pairs, similarity = edges
    options = dict(xi=xi, degree_from=degree_from)
    found = attention_laplacian(pairs[:, 0], pairs[:, 1], similarity, **SIZES, **options)
    expected = oracles.laplacian(pairs, similarity, **SIZES, **options)
    np.testing.assert_allclose(found.todense(), expected, rtol=1e-5, atol=1e-7)


def test_hand_computed():
    """User 0 has items 0 and 1, user 1 has item 1; S = 1/2 everywhere, xi = 1."""
    users, items = np.array([0, 0, 1]), np.array([0, 1, 1])
    found = attention_laplacian(
        users, items, np.full(3, 0.5, np.float32), n_users=2, n_items=2, xi=1.0
    ).todense()
    np.testing.assert_allclose(found[0, 2], 1.5 / np.sqrt(2 * 1), rtol=1e-6)
    np.testing.assert_allclose(found[0, 3], 1.5 / np.sqrt(2 * 2), rtol=1e-6)
    np.testing.assert_allclose(found[1, 3], 1.5 / np.sqrt(1 * 2), rtol=1e-6)


def test_gradient_with_respect_to_xi(edges):
    pairs, similarity = edges

    @jax.jit
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


def test_the_setup_has_it_of_its_similarity():
    setup = small_setup(degree_from="weighted")
    sizes = dict(n_users=setup.dataset.n_users, n_items=setup.dataset.n_items)
    pairs, similarity = setup.dataset.train, setup.edges.similarity
    expected = oracles.laplacian(pairs, similarity, **sizes, xi=0.7, degree_from="weighted")
    block = setup.inputs.laplacian.to_users
    found = expected[np.asarray(block.rows), sizes["n_users"] + np.asarray(block.columns)]
    np.testing.assert_allclose(block.values, found, rtol=1e-5)
    assert np.ptp(similarity) > 0.1


def test_without_xi_it_is_lightgcns():
    ours, theirs = small_setup(xi=0.0), small_setup("lightgcn")
    assert_equal(ours.inputs.laplacian, theirs.inputs.laplacian)
