"""The fit against a slow oracle, and where it has nothing to go by."""

import numpy as np
import pytest
from scipy.optimize import minimize

from kdiffe_jax.data.conditional_logit import Examples, conditional_logit


def fitted(scores, left_out=None, groups=None, candidates=None):
    """Every candidate another one, and none left out, unless it is said."""
    n, width, _ = scores.shape
    left_out = np.zeros((n, width), bool) if left_out is None else left_out
    groups = np.arange(n) if groups is None else groups
    candidates = np.arange(n * width).reshape(n, width) if candidates is None else candidates
    return conditional_logit(Examples(scores, left_out, candidates, groups), n * width)


def test_equals_a_general_optimiser(rng):
    scores, left_out = rng.standard_normal((400, 5, 3)), rng.random((400, 5)) < 0.2
    scores[:, 0, 0] += 1.0
    left_out[:, 0] = False

    def loss(b):
        odds = np.where(left_out, -np.inf, scores @ b)
        return -(odds[:, 0] - np.log(np.exp(odds).sum(axis=1))).mean()

    found = fitted(scores, left_out)
    np.testing.assert_allclose(found.values, minimize(loss, np.zeros(3)).x, atol=0.01)


@pytest.mark.parametrize("shared", ["groups", "candidates"])
def test_errors_cover_the_spread_over_samples(rng, shared):
    """Examples come in equal pairs: of a group, or of the same candidates."""
    found = []
    for _ in range(60):
        scores = rng.standard_normal((300, 4, 1))
        scores[:, 0] += 0.5
        scores[1::2] = scores[::2]
        twice = np.arange(300) // 2
        of = {"groups": twice, "candidates": twice[:, None] * 4 + np.arange(4)}
        found.append(fitted(scores, **{shared: of[shared]}))
    values, errors = np.array([(f.values[0], f.errors[0]) for f in found]).T
    assert 0.9 * values.std() < errors.mean() < 1.6 * values.std()


def test_a_score_of_two_candidates_rests_on_two(rng):
    scores = np.zeros((200, 3, 2))
    candidates = rng.permuted(np.tile(np.arange(20), (200, 1)), axis=1)[:, :3]
    scores[..., 0] = rng.standard_normal(20)[candidates]
    scores[..., 1] = (candidates < 2) * rng.standard_normal((200, 1))
    found = fitted(scores, candidates=candidates)
    assert found.independent[1] < 6 < found.independent[0]


def test_a_score_that_never_differs_is_nothing(rng):
    scores = rng.standard_normal((50, 3, 2))
    scores[..., 1] = scores[:, :1, 1]
    found = fitted(scores)
    assert found.values[1] == found.errors[1] == 0.0 and found.errors[0] > 0


def test_perfect_separation_is_finite():
    scores = np.tile([[[1.0], [0.0]]], (50, 1, 1))
    found = fitted(scores)
    assert np.isfinite(found.values).all() and found.values[0] > 3
