import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.evaluation import top_k_lists
from kdiffe_jax.evaluation.ranking import ranking_task
from kdiffe_jax.evaluation.top_k_lists import among, lists_by_embeddings, lists_by_scores
from kdiffe_jax.ops.ragged import padded


@pytest.fixture
def setting(rng):
    n_users, n_items = 17, 40
    users, items = rng.normal(size=(n_users, 4)), rng.normal(size=(n_items, 4))
    pairs = np.unique(rng.integers(0, [n_users - 2, n_items], (200, 2)), axis=0)
    held = rng.random(len(pairs)) < 0.3
    task = ranking_task(pairs[~held], pairs[held], n_users=n_users)
    return np.float32(users), np.float32(items), task


@pytest.mark.parametrize("rows", [1, 5, 100])
@pytest.mark.parametrize("candidates", [None, np.array([3, 4, 11, 39])])
def test_scores_in_blocks_rank_as_embeddings_do(setting, monkeypatch, rows, candidates):
    users, items, task = setting
    expected = lists_by_embeddings(jnp.asarray(users), jnp.asarray(items), block=8)
    monkeypatch.setattr(top_k_lists, "_SCORES_AT_ONCE", rows * len(items))
    found = lists_by_scores(lambda ids: users[ids] @ items.T, n_items=len(items))
    for k in (2, 60):
        np.testing.assert_array_equal(
            found(task, k=k, candidates=candidates), expected(task, k=k, candidates=candidates)
        )


def test_large_rows_make_blocks_smaller(setting, monkeypatch):
    users, items, task = setting
    sizes = []

    def scores_of(ids):
        sizes.append(len(ids))
        return users[ids] @ items.T

    lists = lists_by_scores(scores_of, n_items=len(items))
    expected = lists(task, k=5)
    monkeypatch.setattr(top_k_lists, "_SCORES_AT_ONCE", 3 * len(items))
    np.testing.assert_array_equal(lists(task, k=5), expected)
    assert sizes[0] == len(task.users) and set(sizes[1:]) == {3}


def seen_of(task):
    """What each user of a task has seen, -1 behind it."""
    return np.asarray(padded(task.seen, np.arange(len(task.users)), -1))


def test_candidates_are_the_only_items_and_seen_ones_stay_away(setting):
    users, items, task = setting
    candidates = np.arange(0, 40, 3)
    lists = lists_by_embeddings(jnp.asarray(users), jnp.asarray(items), block=8)
    ranked = np.asarray(lists(task, k=40, candidates=candidates))
    for row, seen in zip(ranked, seen_of(task), strict=True):
        assert set(row[row >= 0]) == set(candidates) - set(seen)


def test_equal_scores_are_ordered_by_item_id():
    task = ranking_task(np.zeros((0, 2), int), np.array([[0, 3]]), n_users=1)
    lists = lists_by_scores(lambda ids: np.zeros((len(ids), 5), np.float32), n_items=5)
    np.testing.assert_array_equal(lists(task, k=9), [[0, 1, 2, 3, 4]])


def test_among_keeps_padding_apart():
    task = ranking_task(np.array([[0, 1]]), np.array([[0, 2]]), n_users=1)
    part = among(task, np.array([0, 3]), n_items=4)
    assert part.seen.values.tolist() == [2] and part.relevant.tolist() == [[-1]]
