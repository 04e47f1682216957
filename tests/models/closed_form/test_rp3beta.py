import numpy as np
import pytest

from kdiffe_jax.models.closed_form import rp3beta
from kdiffe_jax.models.closed_form.rp3beta import RP3beta, item_weights, walk_blocks
from tests.models.closed_form.conftest import matrix_of
from tests.reference import baselines as reference


def fresh(eval_data):
    return RP3beta(eval_data.train, eval_data.n_users, eval_data.n_items)


def two_lists(model, task):
    """Those of two points with the same walks."""
    point = dict(alpha=0.4, prune="source")
    return [np.asarray(model.fit(beta=beta, **point).lists(task, k=5)) for beta in (0.0, 0.2)]


def weights_of(matrix, alpha, beta, prune, neighbours):
    walks = walk_blocks(matrix, alpha)
    settings = dict(alpha=alpha, beta=beta, prune=prune, neighbours=neighbours)
    return item_weights(matrix, walks, **settings)


@pytest.mark.parametrize("prune", ["source", "target"])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.4, 0.3), (0.7, 1.0)])
@pytest.mark.parametrize("neighbours", [3, 100])
def test_weights_equal_the_walks_of_the_paper(eval_data, alpha, beta, prune, neighbours):
    matrix = matrix_of(eval_data)
    found = weights_of(matrix, alpha, beta, prune, neighbours).toarray()
    expected = reference.rp3beta(matrix.toarray(), alpha, beta, prune, neighbours)
    ties = np.isclose(found, expected, rtol=1e-6)
    if not ties.all():
        axis = 1 if prune == "source" else 0
        np.testing.assert_allclose(
            np.sort(found, axis=axis), np.sort(expected, axis=axis), rtol=1e-6
        )
    assert ((found > 0).sum(axis=1 if prune == "source" else 0) <= neighbours).all()


def test_two_users_by_hand():
    """Users {0, 1} and {1, 2}: the walk 0 -> first user -> 1 has 1 x 1/2, 1 -> 0 has 1/2 x 1/2."""
    from scipy import sparse

    matrix = sparse.csr_array(np.array([[1.0, 1, 0], [0, 1, 1]]))
    found = weights_of(matrix, 1.0, 0.0, "source", 10).toarray()
    np.testing.assert_allclose(found, [[0, 0.5, 0], [0.25, 0, 0.25], [0, 0.5, 0]])
    damped = weights_of(matrix, 1.0, 1.0, "source", 10).toarray()
    np.testing.assert_allclose(damped, [[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]])
    one = weights_of(matrix, 1.0, 0.0, "source", 1).toarray()
    np.testing.assert_allclose(one[1], [0.25, 0, 0])


def test_ranking_is_that_of_the_dense_scores(eval_data):
    matrix = matrix_of(eval_data)
    weights = reference.rp3beta(matrix.toarray(), 0.6, 0.2, "source", 100)
    scores = (matrix @ weights).astype(np.float32)
    scores[matrix.toarray() > 0] = -np.inf
    fitted = fresh(eval_data).fit(alpha=0.6, beta=0.2, prune="source")
    ranked = np.asarray(fitted.lists(eval_data.test, k=5))
    expected = np.argsort(-scores, axis=1, kind="stable")[np.asarray(eval_data.test.users), :5]
    np.testing.assert_array_equal(ranked, expected)


@pytest.mark.parametrize("at_once", [1, 40, 10**9])
def test_blocks_change_nothing(eval_data, monkeypatch, at_once):
    matrix = matrix_of(eval_data)
    expected = weights_of(matrix, 0.5, 0.2, "target", 4).toarray()
    monkeypatch.setattr(rp3beta, "_WALKS_AT_ONCE", at_once)
    blocks = list(walk_blocks(matrix, 0.5))
    assert sum(block.shape[0] for _, block in blocks) == eval_data.n_items
    assert (len(blocks) == 1) == (at_once == 10**9)
    np.testing.assert_array_equal(weights_of(matrix, 0.5, 0.2, "target", 4).toarray(), expected)


def test_walks_are_kept_only_where_they_are_few(eval_data, monkeypatch):
    made = []

    def counted(matrix, alpha):
        made.append(alpha)
        yield from walk_blocks(matrix, alpha)

    monkeypatch.setattr(rp3beta, "walk_blocks", counted)
    kept = two_lists(fresh(eval_data), eval_data.valid)
    assert made == [0.4]
    monkeypatch.setattr(rp3beta, "_WALKS_KEPT", 0)
    again = two_lists(fresh(eval_data), eval_data.valid)
    assert made == [0.4] * 3
    np.testing.assert_array_equal(kept, again)
