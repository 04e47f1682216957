import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.closed_form.ease import EASE, ease_weights
from tests.models.closed_form.conftest import matrix_of
from tests.reference import baselines as reference


def gram_of(eval_data):
    return upper(matrix_of(eval_data).toarray())


def upper(matrix):
    """The upper triangle of its Gram matrix."""
    return sparse.csr_array(np.triu(matrix.T @ matrix), dtype=np.float32)


@pytest.mark.parametrize("regularisation", [0.5, 10.0, 300.0])
def test_weights_equal_the_inverse_of_the_paper(eval_data, regularisation):
    dense = matrix_of(eval_data).toarray()
    symmetric, scale = ease_weights(gram_of(eval_data), regularisation)
    expected = reference.ease(dense, regularisation)
    np.testing.assert_allclose(symmetric * scale, expected, atol=2e-5)
    np.testing.assert_array_equal(np.diagonal(symmetric), 0)


def test_weights_of_more_rows_than_one_block(rng):
    dense = (rng.random((40, 1030)) < 0.1).astype(float)
    symmetric, scale = ease_weights(upper(dense), 5.0)
    np.testing.assert_allclose(symmetric * scale, reference.ease(dense, 5.0), atol=1e-4)


def test_two_items_by_hand():
    """G = [[2, 1], [1, 1]], lambda = 1: P = [[2, -1], [-1, 3]] / 5."""
    symmetric, scale = ease_weights(upper(np.array([[1, 1], [1, 0]])), 1.0)
    np.testing.assert_allclose(symmetric * scale, [[0, 1 / 3], [1 / 2, 0]], rtol=1e-5)


def test_the_gram_matrix_is_left_as_it_is(eval_data):
    gram = gram_of(eval_data)
    before = gram.toarray()
    ease_weights(gram, 10.0)
    np.testing.assert_array_equal(gram.toarray(), before)


def test_ranking_is_that_of_the_dense_scores(eval_data):
    ease = EASE(eval_data.train, eval_data.n_users, eval_data.n_items)
    dense = matrix_of(eval_data).toarray()
    scores = dense @ reference.ease(dense, 10.0)
    scores[dense > 0] = -np.inf
    ranked = np.asarray(ease.fit(regularisation=10.0).lists(eval_data.test, k=5))
    expected = np.argsort(-scores, axis=1, kind="stable")[np.asarray(eval_data.test.users), :5]
    np.testing.assert_array_equal(ranked, expected)


def test_a_matrix_that_is_not_positive_definite_is_named():
    with pytest.raises(ConfigError, match="regularisation = 0: too small"):
        ease_weights(upper(np.zeros((2, 2))), 0.0)


def test_memory_grows_with_the_square_of_the_items():
    assert EASE.memory_gb(1000) == pytest.approx(0.008)
    assert EASE.memory_gb(10_000) == pytest.approx(0.8)
