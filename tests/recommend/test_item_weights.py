"""Models whose weights between items score, dense or sparse, against user-by-user sums."""

import json

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend import blocks, by_item_weights
from kdiffe_jax.recommend.explain import in_words
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import MODEL, read_model, write_model
from tests.recommend.weighted import KINDS, weighted_model

NOBODY = 5  #: a user without training interactions


@pytest.fixture(scope="module", params=KINDS)
def weighted(request, model):
    return weighted_model(model, request.param, nobody=NOBODY)


@pytest.fixture(scope="module")
def recommender(weighted):
    return Recommender(weighted)


def dense_weights(model):
    """f64[J, J]: W_ij scale_j."""
    arrays, n_items = model.artifacts, len(model.item_ids)
    if "item_weights" in arrays:
        return arrays["item_weights"].astype(float) * arrays["item_scale"]
    weights = np.zeros((n_items, n_items))
    starts = arrays["item_weights.indptr"]
    for item in range(n_items):
        part = slice(starts[item], starts[item + 1])
        weights[item, arrays["item_weights.indices"][part]] = arrays["item_weights.data"][part]
    return weights


def dense_scores(model):
    """f64[I, J], the weights of each user's items one after another."""
    scores, weights = np.zeros((len(model.user_ids), len(model.item_ids))), dense_weights(model)
    for user, item in model.train.tolist():
        scores[user] += weights[item]
    return scores


def first(scores, k):
    """The k largest of each row, equal ones by column; -1 in place of -inf."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.where(np.isfinite(np.take_along_axis(scores, order, axis=1)), order, -1)


@pytest.mark.parametrize(
    ("exclude_seen", "names"), [(True, ("train", "held_out")), ("train", ("train",)), (False, ())]
)
def test_lists_are_the_best_of_the_whole_score_matrix(recommender, exclude_seen, names):
    model = recommender.model
    scores = dense_scores(model)
    for pairs in (getattr(model, name) for name in names):
        scores[pairs[:, 0], pairs[:, 1]] = -np.inf
    lists = recommender.recommend(k=45, exclude_seen=exclude_seen)
    np.testing.assert_array_equal(lists.rows, first(scores, 45))
    values = np.take_along_axis(scores, lists.rows, axis=1)
    expected = np.where(lists.rows < 0, np.nan, values)
    np.testing.assert_allclose(lists.scores, expected, rtol=1e-5, atol=1e-6)
    assert lists.scores.dtype == np.float32 and not lists.popular.any()


def test_equal_scores_are_ordered_by_item(recommender):
    rows = recommender.recommend(f"ann {NOBODY}", 48, exclude_seen=False).rows[0]
    np.testing.assert_array_equal(rows, np.arange(48))


def test_candidates(recommender):
    everything = recommender.recommend("ann 2", 48)["ann 2"]
    some = recommender.recommend("ann 2", 48, candidates=["p40", "p3", "p7"])["ann 2"]
    assert some == [one for one in everything if one[0] in ("p40", "p3", "p7")]
    assert recommender.recommend("ann 2", 5, filter=lambda item: False)["ann 2"] == []


def test_blocks_change_nothing(recommender, monkeypatch):
    names = recommender.items.ids, recommender.users.ids
    pairs = [(user, item) for user in names[1] for item in names[0][::5]]
    whole = (
        recommender.recommend(k=5).rows,
        recommender.similar_items(names[0], 4).rows,
        recommender.similar_users(names[1], 4).rows,
        recommender.score(pairs),
    )
    monkeypatch.setattr(blocks, "_SCORES_AT_ONCE", 1)
    monkeypatch.setattr(by_item_weights, "_PAIRS_AT_ONCE", 7)
    parts = list(recommender.recommend_in_blocks(k=5))
    assert [len(part) for part in parts] == [8] * 7 + [4]
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), whole[0])
    np.testing.assert_array_equal(recommender.similar_items(names[0], 4).rows, whole[1])
    np.testing.assert_array_equal(recommender.similar_users(names[1], 4).rows, whole[2])
    np.testing.assert_array_equal(recommender.score(pairs), whole[3])


def test_scores_of_pairs(recommender):
    scores = dense_scores(recommender.model)
    pairs = [(user, item) for user in range(60) for item in range(0, 48, 7)]
    given = recommender.score([(f"ann {user}", f"p{item}") for user, item in pairs])
    np.testing.assert_allclose(given, [scores[pair] for pair in pairs], rtol=1e-5, atol=1e-6)
    assert given.dtype == np.float32 and recommender.score([]).shape == (0,)


def test_items_are_alike_by_the_weight_from_one_to_the_other(recommender):
    weights = dense_weights(recommender.model)
    np.fill_diagonal(weights, -np.inf)
    lists = recommender.similar_items(recommender.items.ids, 6)
    np.testing.assert_array_equal(lists.rows, first(weights, 6))
    expected = np.take_along_axis(weights, lists.rows, axis=1)
    np.testing.assert_allclose(lists.scores, expected, rtol=1e-5, atol=1e-7)
    assert len(recommender.similar_items("p1", 100)["p1"]) == 47


def test_users_are_alike_by_the_cosine_of_their_histories(recommender):
    histories = np.zeros((60, 48))
    histories[tuple(recommender.model.train.T)] = 1
    lengths = np.linalg.norm(histories, axis=1)
    cosines = histories @ histories.T / np.maximum(np.outer(lengths, lengths), 1)
    np.fill_diagonal(cosines, -np.inf)
    lists = recommender.similar_users(recommender.users.ids, 59)
    np.testing.assert_allclose(lists.scores, -np.sort(-cosines, axis=1)[:, :59], atol=1e-6)
    listed = np.take_along_axis(cosines, lists.rows, axis=1)
    np.testing.assert_allclose(lists.scores, listed, atol=1e-6)
    assert [sorted(row) for row in lists.rows.tolist()] == [
        [other for other in range(60) if other != user] for user in range(60)
    ]


def test_what_is_saved_recommends_the_same(recommender, tmp_path):
    write_model(recommender.model, tmp_path / MODEL)
    model = read_model(tmp_path)
    assert {name: a.dtype for name, a in model.artifacts.items()} == {
        name: a.dtype for name, a in recommender.model.artifacts.items()
    }
    again, lists = Recommender(model).recommend(k=9), recommender.recommend(k=9)
    np.testing.assert_array_equal(again.rows, lists.rows)
    np.testing.assert_array_equal(again.scores, lists.scores)


def test_a_new_user_is_their_history(recommender):
    more = recommender.with_users({"new": ["p9", "p4"], "other": ["p3"]})
    scores = dense_weights(recommender.model)[[4, 9]].sum(axis=0)[None]
    scores[0, [4, 9]] = -np.inf
    lists = more.recommend(["new", "ann 1"], 46)
    np.testing.assert_array_equal(lists.rows[0], first(scores, 46)[0])
    assert lists["ann 1"] == recommender.recommend("ann 1", 46)["ann 1"]
    np.testing.assert_array_equal(more.model.train[-3:], [[60, 4], [60, 9], [61, 3]])
    assert more.model.users.shape == (62, 0) and recommender.folds_in
    assert more.similar_users("new", 3)["new"]
    assert len(more.explain("new", "p1").past) == 2


def test_contributions_add_up_to_the_score(recommender):
    model, weights = recommender.model, dense_weights(recommender.model)
    for user in range(0, 60, 7):
        explained = recommender.explain(f"ann {user}", "p8")
        (score,) = recommender.score([(f"ann {user}", "p8")])
        assert explained.score == pytest.approx(score, rel=1e-5, abs=1e-6)
        shares = {f"p{i}": weights[i, 8] for i in model.train[model.train[:, 0] == user, 1]}
        assert {p.item: p.contribution for p in explained.past} == pytest.approx(shares, rel=1e-5)
        assert sum(p.contribution for p in explained.past) == pytest.approx(explained.score)
        assert explained.own == 0.0 and {p.similarity for p in explained.past} == {None}
        assert {entity.status for entity in explained.entities} == {"has"}


def test_words_name_no_embedding(recommender):
    explained = recommender.explain("ann 2", "p4")
    words = in_words(explained, most=2)
    assert "embedding" not in words and "(S " not in words
    shares = [float(line.split()[0]) for line in words.splitlines() if line[2:3] in "+- "][:3]
    assert sum(shares) == pytest.approx(explained.score, abs=3e-4)
    nothing = recommender.explain(f"ann {NOBODY}", "p4")
    assert (nothing.score, nothing.past) == (0.0, ())
    assert "score 0.0000; the user chose nothing in training" in in_words(nothing)
    assert json.loads(json.dumps(nothing.to_json()))["past"] == []


def test_users_of_whom_nothing_is_known(recommender):
    asked = ["ann 3", "nobody", f"ann {NOBODY}"]
    lists = recommender.recommend(asked, 6, unknown="popular")
    assert lists.popular.tolist() == [False, True, True]
    counts = np.bincount(recommender.model.train[:, 1], minlength=48)
    expected = np.argsort(-counts, kind="stable")[:6]
    assert lists["nobody"] == [(f"p{i}", counts[i]) for i in expected]


def test_nothing_is_compiled(weighted, count_compilations):
    with count_compilations() as compiled:
        recommender = Recommender(weighted)
        recommender.recommend(k=5)
        recommender.similar_items("p1")
        recommender.similar_users("ann 1")
        recommender.with_users({"new": ["p9", "p4"]}).recommend("new", 5)
    assert compiled == []


def test_new_items_are_refused(recommender, weighted):
    entity = weighted.entity_names[weighted.triples[0, 2]]
    assert recommender.items_with(entity, weighted.relation_names[weighted.triples[0, 1]])
    with pytest.raises(ConfigError, match="has no rows for new items: it does not make"):
        recommender.with_items({"new": [entity]})


def test_sparse_weights_score_as_the_same_weights_stored_densely(model):
    few = weighted_model(model, "sparse", nobody=NOBODY)
    parts = [few.artifacts[f"item_weights.{part}"] for part in ("data", "indices", "indptr")]
    whole = sparse.csr_array(tuple(parts), shape=(48, 48)).toarray()
    lists = Recommender(few._replace(artifacts={"item_weights": whole})).recommend(k=20)
    expected = Recommender(few).recommend(k=20)
    np.testing.assert_array_equal(lists.rows, expected.rows)
    np.testing.assert_array_equal(lists.scores, expected.scores)


def test_where_all_scores_are_zero_popular_items_stand_in_where_asked(model):
    """As for a new user of nothing but items that nobody had in training."""
    nothing = sparse.csr_array((len(model.item_ids),) * 2, dtype=np.float32)
    parts = {f"item_weights.{p}": getattr(nothing, p) for p in ("data", "indices", "indptr")}
    silent = Recommender(
        weighted_model(model, "sparse", nobody=3)._replace(artifacts=parts),
    )
    fresh = silent.of_new_users({"new": ["p1"]})
    by_count = np.argsort(-silent.model.item_degrees(), kind="stable")
    expected = [f"p{item}" for item in by_count.tolist() if item != 1][:5]
    for recommender in (fresh, silent.with_users({"new": ["p1"]})):
        assert not recommender.recommend("new", 5).popular.any()
        lists = recommender.recommend("new", 5, unknown="popular")
        assert lists.popular.all() and [item for item, _ in lists["new"]] == expected


def test_candidates_without_a_score_are_the_models_where_others_have_one(recommender, weighted):
    weights = recommender._scorer.scores(np.arange(60))
    user, item = np.argwhere((weights == 0) & weights.any(axis=1, keepdims=True))[0].tolist()
    options = dict(candidates=[f"p{item}"], exclude_seen=False, unknown="popular")
    lists = recommender.recommend(f"ann {user}", 5, **options)
    assert lists[f"ann {user}"] == [(f"p{item}", 0.0)] and not lists.popular.any()
