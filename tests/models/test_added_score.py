"""Walks added to a trained score: the sum, the weight that validation chooses, a run with them."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.models.added_score import WEIGHTS, choose_added, fit_walks, lists_by_both
from kdiffe_jax.models.arrays import View
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training.result import eval_data_of, finish, rescore
from launch.table import result_table
from tests.small_setups import silent, small_setup, train_in


@pytest.fixture(scope="module")
def data():
    return eval_data_of(small_setup("lightgcn", epochs=1))


def drawn_view(data, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (data.n_users, data.n_items)
    return View(*(jnp.asarray(rng.normal(size=(n, 4)), jnp.float32) for n in sizes))


def test_lists_are_those_of_the_sum(data):
    view, rng = drawn_view(data), np.random.default_rng(1)
    weights = sparse.random_array((data.n_items, data.n_items), density=0.2, rng=rng, dtype="f4")
    histories = np.zeros((data.n_users, data.n_items), np.float32)
    histories[tuple(data.train.T)] = 1
    scores = np.asarray(view.users) @ np.asarray(view.items).T + histories @ weights.toarray()
    scores[histories > 0] = -np.inf
    users = np.asarray(data.test.users)
    expected = np.argsort(-scores[users], axis=1, kind="stable")[:, :5]
    found = lists_by_both(view, weights.tocsr(), data)(data.test, k=5)
    np.testing.assert_array_equal(found, expected)


def test_walks_get_weight_where_they_tell_more_and_none_where_they_tell_nothing(data):
    walks = fit_walks(data)
    chosen = choose_added(drawn_view(data), walks, data)
    assert chosen.weight == max(WEIGHTS) and chosen.selection_score > chosen.without
    rng = np.random.default_rng(0)
    useless = sparse.csr_array((rng.random(walks.nnz).astype("f4"), *_structure(walks, rng)))
    good = View(*_walks_as_view(walks, data))
    chosen = choose_added(good, sparse.csr_array(useless, shape=walks.shape), data)
    assert chosen.weight == 0 and chosen.selection_score == chosen.without
    assert chosen.artifacts() == {}


def _structure(walks, rng):
    return (rng.permutation(walks.indices), walks.indptr)


def _walks_as_view(walks, data):
    """Embeddings that score as the walks do: histories and columns of the weights."""
    histories = np.zeros((data.n_users, data.n_items), np.float32)
    histories[tuple(data.train.T)] = 1
    return jnp.asarray(histories), jnp.asarray(walks.toarray().T)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    setup = small_setup("lightgcn", epochs=2, added_score="rp3beta")
    trained, run = train_in(setup, tmp_path_factory.mktemp("run"))
    return setup, run, finish(setup, [trained], run)


def test_a_run_says_what_was_added_and_what_it_gave(finished):
    _, _, result = finished
    added = result["added_score"]
    assert added["weight"] in WEIGHTS and added["weight"] > 0
    assert result["valid"]["recall@20"] >= added["selection_score_without"]
    table = result_table(result)
    assert f"walks are added to the score with weight {added['weight']:g}" in table


def test_the_saved_model_ranks_as_it_was_scored(finished):
    setup, run, result = finished
    lists = Recommender(read_model(run.path)).recommend(k=20, exclude_seen="train")
    task = setup.test
    users = np.asarray(task.users)
    hits = [
        np.isin(relevant[relevant >= 0], lists.rows[user]).mean()
        for user, relevant in zip(users, np.asarray(task.relevant), strict=True)
    ]
    assert np.mean(hits) == pytest.approx(result["test"]["recall@20"])


def test_scoring_again_says_the_same(finished):
    setup, run, result = finished
    again = rescore(setup, run, log=silent)
    assert again["added_score"] == result["added_score"] and again["test"] == result["test"]


def test_a_search_is_scored_with_what_is_added(tmp_path):
    setup = small_setup("lightgcn", epochs=1, added_score="rp3beta", score_test=False)
    trained, run = train_in(setup, tmp_path / "run")
    result = finish(setup, [trained], run)
    assert result["valid"]["recall@20"] >= result["added_score"]["selection_score_without"]
    assert "test" not in result and (run.path / "model.npz").exists()
