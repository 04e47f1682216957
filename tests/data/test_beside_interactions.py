"""A kind's trust is what it tells beside interactions, and nothing where it tells nothing."""

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.data import beside_interactions
from kdiffe_jax.data.beside_interactions import told_beside_interactions

USERS, ITEMS, TOPICS = 300, 120, 12


@pytest.fixture
def pairs(rng):
    """Users take most of their items of one topic."""
    taken = [
        rng.choice(ITEMS, 6, replace=False, p=_taste(rng.integers(TOPICS))) for _ in range(USERS)
    ]
    return np.stack([np.repeat(np.arange(USERS), 6), np.concatenate(taken)], axis=1)


def _taste(topic):
    weights = np.where(np.arange(ITEMS) % TOPICS == topic, 30.0, 1.0)
    return weights / weights.sum()


def links(to):
    ones = np.ones(ITEMS, np.float32)
    return sparse.csr_array((ones, (np.arange(ITEMS), to)), shape=(ITEMS, ITEMS))


def told(pairs, *kinds):
    return told_beside_interactions(pairs, kinds, n_users=USERS, n_items=ITEMS)


def test_a_kind_within_topics_has_weight_and_a_random_one_has_none(pairs, rng):
    within, at_random = told(
        pairs, links((np.arange(ITEMS) + TOPICS) % ITEMS), links(rng.permutation(ITEMS))
    )
    assert 0 < within.trust == within.gain - within.error and within.gain > 3 * within.error > 0
    assert at_random.trust == 0.0 and abs(at_random.gain) < 3 * at_random.error


def test_of_kinds_that_tell_the_same_something_stays(pairs):
    within = links((np.arange(ITEMS) + TOPICS) % ITEMS)
    (alone,), both = told(pairs, within), told(pairs, within, within)
    assert sum(one.trust for one in both) == pytest.approx(alone.trust, rel=0.1)


def test_content_is_trusted_without_bound_where_interactions_tell_nothing(pairs, monkeypatch):
    monkeypatch.setattr(
        beside_interactions, "interaction_vectors", lambda *_, **__: np.eye(ITEMS, dtype="f4")
    )
    (within,) = told(pairs, links((np.arange(ITEMS) + TOPICS) % ITEMS))
    assert within.trust > 1e3


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_interactions_tell_nothing(pairs, n):
    (found,) = told(pairs[:n], links(np.arange(ITEMS)[::-1]))
    assert found.trust == 0.0 and np.isfinite(found).all()


def test_a_draw_is_of_the_pair_and_uniform(pairs):
    draws = beside_interactions._draws(pairs, 0)
    np.testing.assert_array_equal(draws[7:9], beside_interactions._draws(pairs[7:9], 0))
    assert abs(np.corrcoef(draws, beside_interactions._draws(pairs, 1))[0, 1]) < 0.1
    assert 0 <= draws.min() and draws.max() < 1 and abs(draws.mean() - 0.5) < 0.03
