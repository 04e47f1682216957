"""The vectors span what a dense decomposition finds."""

import numpy as np

from kdiffe_jax.data.interaction_vectors import interaction_vectors


def test_full_width_gives_the_dense_products(rng):
    has = rng.random((60, 24)) < 0.2
    pairs = np.argwhere(has)
    rows = interaction_vectors(pairs, n_users=60, n_items=24, block=12, powers=2)
    of_user, degrees = np.maximum(has.sum(axis=1), 1), np.maximum(has.sum(axis=0), 1)
    matrix = has / np.sqrt(of_user[:, None] * degrees)
    products = matrix.T @ matrix
    lengths = np.sqrt(np.diag(products))
    expected = products / np.sqrt(lengths[:, None] * lengths)
    np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-4)


def test_items_without_interactions_and_small_catalogues():
    rows = interaction_vectors(np.array([[0, 0], [1, 1]]), n_users=2, n_items=3)
    assert rows.shape == (3, 3) and not rows[2].any() and rows[:2].any(axis=1).all()
    assert not interaction_vectors(np.zeros((0, 2), int), n_users=2, n_items=3).any()
