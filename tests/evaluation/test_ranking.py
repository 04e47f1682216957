import ir_measures
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.evaluation.item_ranks import NO_RANK, item_ranks
from kdiffe_jax.evaluation.ranking import (
    evaluate,
    mean_metrics,
    metrics_per_user,
    rank_all,
    ranking_task,
)
from kdiffe_jax.evaluation.top_k import Groups, grouped_top_k, groups_for

ORACLE = {
    "recall": ir_measures.R,
    "ndcg": ir_measures.nDCG,
    "precision": ir_measures.P,
    "hit": ir_measures.Success,
    "mrr": ir_measures.RR,
    "map": ir_measures.AP,
}


@pytest.fixture
def setup(rng):
    n_users, n_items = 23, 60
    users = rng.normal(size=(n_users, 5)).astype(np.float32)
    items = rng.normal(size=(n_items, 5)).astype(np.float32)
    pairs = np.unique(rng.integers(0, [n_users - 3, n_items], (300, 2)), axis=0)
    held = rng.random(len(pairs)) < 0.4
    return users, items, pairs[~held].astype(np.int32), pairs[held].astype(np.int32)


def task_of(setup):
    users, items, seen, relevant = setup
    return ranking_task(seen, relevant, n_users=len(users))


@pytest.mark.parametrize("k", [1, 5, 20, 50])
def test_every_metric_equals_ir_measures(setup, k):
    users, items, seen, relevant = setup
    found = mean_metrics(evaluate(users, items, task_of(setup), block=8, cutoffs=(k,)))
    scores = (users @ items.T).astype(np.float64)
    scores[seen[:, 0], seen[:, 1]] = -np.inf
    qrels = [ir_measures.Qrel(str(u), str(i), 1) for u, i in relevant]
    run = [
        ir_measures.ScoredDoc(str(u), str(i), float(scores[u, i]))
        for u in np.unique(relevant[:, 0])
        for i in np.flatnonzero(np.isfinite(scores[u]))
    ]
    wanted = {name: measure @ k for name, measure in ORACLE.items()}
    expected = ir_measures.calc_aggregate(wanted.values(), qrels, run)
    for name, measure in wanted.items():
        np.testing.assert_allclose(found[f"{name}@{k}"], expected[measure], rtol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 20, 1000])
def test_block_size_changes_nothing(setup, block):
    users, items, *_ = setup
    expected = evaluate(users, items, task_of(setup), block=4)
    found = evaluate(users, items, task_of(setup), block=block)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_seen_items_are_never_recommended(setup):
    users, items, seen, _ = setup
    task = task_of(setup)
    ranked = np.asarray(rank_all(users, items, task, k=60, block=8))
    for row, user in enumerate(np.asarray(task.users)):
        mine = set(seen[seen[:, 0] == user, 1])
        assert not mine & set(ranked[row])
        assert (ranked[row] == -1).sum() == len(mine)


def test_users_without_relevant_items_are_left_out(setup):
    _, _, _, relevant = setup
    task = task_of(setup)
    np.testing.assert_array_equal(task.users, np.unique(relevant[:, 0]))


def test_ties_are_ordered_by_item_id():
    task = ranking_task(np.zeros((0, 2), int), np.array([[0, 3]]), n_users=1)
    ranked = rank_all(jnp.zeros((1, 2)), jnp.ones((5, 2)), task, k=5, block=1)
    np.testing.assert_array_equal(ranked, [[0, 1, 2, 3, 4]])


def test_fewer_candidates_than_k():
    seen = np.array([[0, 0], [0, 1]])
    task = ranking_task(seen, np.array([[0, 2]]), n_users=1)
    found = evaluate(jnp.ones((1, 1)), jnp.ones((3, 1)), task, block=1, cutoffs=(5, 20))
    assert found["recall@20"][0] == 1 and found["ndcg@20"][0] == 1
    np.testing.assert_allclose(found["precision@5"], [0.2])


def test_ranks_give_the_metrics_of_the_lists(setup):
    """Few distinct scores, so that most ranks are decided by item id."""
    users, items, *_ = setup
    users, items = np.sign(users[:, :2]), np.sign(items[:, :2])
    task = task_of(setup)
    lists = metrics_per_user(rank_all(users, items, task, k=50, block=8), task.relevant)
    for name, values in evaluate(users, items, task, block=8).items():
        np.testing.assert_array_equal(values, np.asarray(lists[name], np.float64), err_msg=name)


def test_a_rank_is_where_the_full_list_has_the_item(setup):
    users, items, *_ = setup
    task = task_of(setup)
    lists = np.asarray(rank_all(users, items, task, k=60, block=8))
    found, relevant = np.asarray(item_ranks(users, items, task, block=5)), np.asarray(task.relevant)
    for row, column in np.argwhere(relevant >= 0):
        assert lists[row, found[row, column]] == relevant[row, column]
    assert (found[relevant < 0] == NO_RANK).all()


def test_a_seen_item_and_a_score_that_is_no_number_have_no_rank():
    task = ranking_task(np.array([[0, 1]]), np.array([[0, 1], [0, 2]]), n_users=1)
    items = jnp.array([[1.0], [1.0], [jnp.nan]])
    found = item_ranks(jnp.ones((1, 1)), items, task, block=1)
    np.testing.assert_array_equal(found, [[NO_RANK, NO_RANK]])


@pytest.mark.parametrize("n_items", (6, 19, 49))
def test_a_catalogue_smaller_than_a_cut_off(rng, n_items):
    """Users with less to find than others find no more than there is."""
    relevant = np.array([[0, 0], *([1, item] for item in range(1, 5)), [2, 5], [2, 3]])
    task = ranking_task(np.array([[0, 1], [1, 0], [2, 5]]), relevant, n_users=3)
    users, items = (jnp.asarray(rng.normal(size=(n, 4)), jnp.float32) for n in (3, n_items))
    found = evaluate(users, items, task, block=2)
    lists = rank_all(users, items, task, k=50, block=2)
    for name, values in metrics_per_user(lists, task.relevant).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)
    assert found["recall@50"].tolist() == [1.0, 1.0, 0.5]


@pytest.mark.parametrize("k", (1, 3, 20))
@pytest.mark.parametrize("n_items", (20, 47, 64))
@pytest.mark.parametrize("size", (1, 4, 16))
def test_grouped_top_k_is_top_k_with_ties(rng, n_items, k, size):
    scores = rng.integers(0, 6, (9, n_items)).astype(np.float32)
    scores[3] = 1.0
    scores[4, 5:] = -np.inf
    groups = Groups(n_items, size)
    stored = np.pad(scores, ((0, 0), (0, size * groups.number - n_items)), constant_values=-np.inf)
    values, items = grouped_top_k(jnp.asarray(stored[:, groups.stored]), k, groups)
    expected = jax.lax.top_k(jnp.asarray(scores), k)
    np.testing.assert_array_equal(values, expected[0])
    finite = np.isfinite(expected[0])
    np.testing.assert_array_equal(np.asarray(items)[finite], np.asarray(expected[1])[finite])


def test_groups_store_every_item_once():
    groups = groups_for(1000, 20)
    inside = groups.stored[groups.stored < 1000]
    np.testing.assert_array_equal(np.sort(inside), np.arange(1000))
    np.testing.assert_array_equal(groups.stored[groups.position(np.arange(1000))], np.arange(1000))


def test_nobody_to_rank_for():
    nobody = ranking_task(np.zeros((3, 2), int), np.zeros((0, 2), int), n_users=2)
    ranked = rank_all(jnp.ones((2, 4)), jnp.ones((5, 4)), nobody, k=3, block=8)
    assert ranked.shape == (0, 3) and not len(metrics_per_user(ranked, nobody.relevant)["hit@5"])


def test_lists_without_a_hit_and_places_without_a_candidate():
    found = metrics_per_user(np.array([[3, -1], [-1, -1]]), np.array([[0, 4], [-1, 1]]))
    assert found["recall@5"].tolist() == [0, 0] and found["map@5"].tolist() == [0, 0]
