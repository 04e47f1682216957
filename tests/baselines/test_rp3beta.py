import numpy as np
import pytest

from kdiffe_jax.baselines import rp3beta
from kdiffe_jax.baselines.interactions import interaction_matrix
from kdiffe_jax.baselines.rp3beta import RP3beta, item_weights, walk_blocks
from tests.reference import baselines as reference


def weights_of(matrix, alpha, beta, prune, neighbours):
    walks = walk_blocks(matrix, alpha)
    settings = dict(alpha=alpha, beta=beta, prune=prune, neighbours=neighbours)
    return item_weights(matrix, walks, **settings)


@pytest.mark.parametrize("prune", ["source", "target"])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.4, 0.3), (0.7, 1.0)])
@pytest.mark.parametrize("neighbours", [3, 100])
def test_weights_equal_the_walks_of_the_paper(bench, alpha, beta, prune, neighbours):
    matrix = interaction_matrix(bench)
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


def test_ranking_is_that_of_the_dense_scores(bench):
    matrix = interaction_matrix(bench)
    weights = reference.rp3beta(matrix.toarray(), 0.6, 0.2, "source", 100)
    scores = (matrix @ weights).astype(np.float32)
    scores[matrix.toarray() > 0] = -np.inf
    ranked = np.asarray(RP3beta(bench).fit(alpha=0.6, beta=0.2, prune="source")(bench.test, k=5))
    expected = np.argsort(-scores, axis=1, kind="stable")[np.asarray(bench.test.users), :5]
    np.testing.assert_array_equal(ranked, expected)


@pytest.mark.parametrize("at_once", [1, 40, 10**9])
def test_blocks_change_nothing(bench, monkeypatch, at_once):
    matrix = interaction_matrix(bench)
    expected = weights_of(matrix, 0.5, 0.2, "target", 4).toarray()
    monkeypatch.setattr(rp3beta, "_WALKS_AT_ONCE", at_once)
    blocks = list(walk_blocks(matrix, 0.5))
    assert sum(block.shape[0] for _, block in blocks) == bench.n_items
    assert (len(blocks) == 1) == (at_once == 10**9)
    np.testing.assert_array_equal(weights_of(matrix, 0.5, 0.2, "target", 4).toarray(), expected)


def test_walks_are_kept_only_where_they_are_few(bench, monkeypatch):
    made = []

    def counted(matrix, alpha):
        made.append(alpha)
        yield from walk_blocks(matrix, alpha)

    monkeypatch.setattr(rp3beta, "walk_blocks", counted)
    point = dict(alpha=0.4, prune="source")
    baseline = RP3beta(bench)
    kept = [baseline.fit(beta=beta, **point)(bench.valid, k=5) for beta in (0.0, 0.2)]
    assert made == [0.4]
    monkeypatch.setattr(rp3beta, "_WALKS_KEPT", 0)
    baseline = RP3beta(bench)
    again = [baseline.fit(beta=beta, **point)(bench.valid, k=5) for beta in (0.0, 0.2)]
    assert made == [0.4] * 3
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(again))
