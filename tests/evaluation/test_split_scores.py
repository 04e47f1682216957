import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.evaluation.beyond_accuracy import beyond_accuracy
from kdiffe_jax.evaluation.ranking import evaluate, ranking_task
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings

# Items 0..3 are known, 4..25 are cold; user 0 is shown 4 last of the cold ones, user 1 first.
N_ITEMS = 26


@pytest.fixture
def cold_case():
    train = np.array([[0, 0], [1, 1], [1, 2], [2, 3]])
    test = np.array([[0, 1], [0, 4], [1, 4], [2, 0]])
    rising = np.arange(N_ITEMS, dtype=np.float32)
    rising[:4] += 100
    users = jnp.array([[1.0], [-1.0], [1.0]])
    lists = lists_by_embeddings(users, jnp.asarray(rising)[:, None], block=2)
    task = ranking_task(train, test, n_users=3)
    return score_split(lists, task, np.bincount(train[:, 1], minlength=N_ITEMS), n_users=3)


def test_cold_items_by_hand(cold_case):
    cold = cold_case.cold
    assert {n: cold[n] for n in ("interactions", "items", "users", "candidates")} == {
        "interactions": 2,
        "items": 1,
        "users": 2,
        "candidates": 22,
    }
    # User 0: three known items and 21 cold ones stand before item 4; user 1: it comes first.
    assert cold["among_all"]["recall@20"] == 0.5 and cold["among_all"]["recall@50"] == 1
    assert cold["among_cold"]["recall@20"] == 0.5 and cold["among_cold"]["recall@50"] == 1
    assert cold["among_cold"]["ndcg@5"] == 0.5
    np.testing.assert_allclose(cold["among_cold"]["ndcg@50"], (1 + 1 / np.log2(23)) / 2, rtol=1e-6)
    np.testing.assert_allclose(cold["among_all"]["ndcg@50"], (1 + 1 / np.log2(26)) / 2, rtol=1e-6)


def test_metrics_over_all_interactions_are_those_of_evaluate(rng):
    users, items = (jnp.asarray(rng.normal(size=(n, 3)), jnp.float32) for n in (9, 60))
    pairs = np.unique(rng.integers(0, [9, 60], (120, 2)), axis=0)
    task = ranking_task(pairs[::2], pairs[1::2], n_users=9)
    found = score_split(lists_by_embeddings(users, items, block=4), task, np.ones(60), n_users=9)
    for name, values in evaluate(users, items, task, block=4).items():
        np.testing.assert_allclose(found.per_user[name], values, rtol=1e-6)
    assert found.cold == {"interactions": 0, "items": 0, "users": 0, "candidates": 0}


def test_lists_by_hand():
    ranked = np.array([[0, 1, 2], [0, 3, -1]])
    found = beyond_accuracy(ranked, np.array([4, 2, 1, 0]), n_users=8, k=2)
    assert found["coverage@2"] == 0.75
    assert found["popularity@2"] == (4 + 2 + 4 + 0) / 4
    assert found["novelty@2"] == (1 + 2 + 1 + 3) / 4
    # Given 2, 1, 0 and 1 times; ascending 0, 1, 1, 2.
    assert found["gini@2"] == (-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (4 * 4)


def test_even_and_concentrated_lists():
    even = beyond_accuracy(np.arange(6).reshape(3, 2), np.ones(6), n_users=3, k=2)
    assert even["gini@2"] == 0 and even["coverage@2"] == 1
    one = beyond_accuracy(np.zeros((5, 1), int), np.ones(6), n_users=5, k=1)
    assert one["gini@1"] == pytest.approx(1 - 1 / 6) and one["coverage@1"] == 1 / 6


def test_lists_without_a_single_item():
    empty = beyond_accuracy(np.full((2, 3), -1), np.ones(4), n_users=2, k=3)
    assert set(empty.values()) == {0.0}
