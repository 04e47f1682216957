"""Lists by external ids: who gets what, in which order, and who is refused."""

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.evaluation.ranking import mean_metrics, metrics_per_user
from kdiffe_jax.recommend import blocks
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.training.loop import score
from tests.small_model import untrained


def dense_lists(model, k, seen):
    """Lists from the whole score matrix; ties by item."""
    scores = model.users.astype(float) @ model.items.T.astype(float)
    for pairs in seen:
        scores[pairs[:, 0], pairs[:, 1]] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.where(np.isfinite(np.take_along_axis(scores, order, 1)), order, -1)


@pytest.mark.parametrize(
    ("exclude_seen", "names"), [(True, ("train", "held_out")), ("train", ("train",)), (False, ())]
)
def test_lists_are_the_best_of_the_whole_score_matrix(recommender, exclude_seen, names):
    model = recommender.model
    lists = recommender.recommend(k=7, exclude_seen=exclude_seen)
    expected = dense_lists(model, 7, [getattr(model, name) for name in names])
    np.testing.assert_array_equal(lists.rows, expected)
    assert lists.asked == model.user_ids and not lists.popular.any()


def test_lists_without_training_items_score_as_evaluation_does(recommender, setup):
    lists = recommender.recommend(k=50, exclude_seen="train")
    ranked = lists.rows[np.asarray(setup.test.users)]
    found = mean_metrics(metrics_per_user(ranked, setup.test.relevant))
    expected = score(setup, untrained(setup).view, setup.test)
    assert found == pytest.approx(expected)


def test_one_user_gets_what_the_batch_gives(recommender):
    everyone = recommender.recommend(k=9)
    for user in recommender.users.ids[::7]:
        one = recommender.recommend(user, 9)
        assert one.asked == (user,)
        assert [i for i, _ in one[user]] == [i for i, _ in everyone[user]]
        batch = everyone.scores[everyone.asked.index(user)]
        np.testing.assert_allclose(one.scores[0], batch, rtol=1e-6, atol=1e-6)


def test_blocks_change_nothing(recommender, monkeypatch):
    whole = recommender.recommend(k=5)
    monkeypatch.setattr(blocks, "_SCORES_AT_ONCE", 1)
    parts = list(recommender.recommend_in_blocks(k=5))
    assert [len(part) for part in parts] == [8] * 7 + [4]
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), whole.rows)


def test_scores_are_those_of_score(recommender):
    user = recommender.users.ids[3]
    best = recommender.recommend(user, 4)[user]
    scores = recommender.score([(user, item) for item, _ in best])
    np.testing.assert_allclose(scores, [value for _, value in best], rtol=1e-5)
    assert recommender.score([]).shape == (0,)


def test_candidates_and_filter(recommender):
    allowed = ["p40", "p3", "p7", "p3"]
    everything = recommender.recommend("ann 2", 48, exclude_seen=False)["ann 2"]
    some = recommender.recommend("ann 2", 48, exclude_seen=False, candidates=allowed)["ann 2"]
    assert [i for i, _ in some] == [i for i, _ in everything if i in allowed]
    even = recommender.recommend(
        "ann 2", 48, exclude_seen=False, filter=lambda item: int(item[1:]) % 2 == 0
    )["ann 2"]
    assert [i for i, _ in even] == [i for i, _ in everything if int(i[1:]) % 2 == 0]
    assert recommender.recommend("ann 2", 5, filter=lambda item: False)["ann 2"] == []


def test_seen_candidates_are_left_out_and_fewer_are_listed(recommender):
    seen = recommender.model.train[recommender.model.train[:, 0] == 5, 1]
    candidates = [f"p{i}" for i in seen[:2]] + ["p0", "p1", "p2"]
    unseen = set(candidates) - {f"p{i}" for i in recommender._all_seen[_of(recommender, 5), 1]}
    lists = recommender.recommend("ann 5", 5, candidates=candidates)
    assert {i for i, _ in lists["ann 5"]} == unseen
    assert (lists.rows[0] >= 0).sum() == len(unseen) < 5
    assert np.isnan(lists.scores[0, len(unseen) :]).all()


def _of(recommender, user):
    return recommender._all_seen[:, 0] == user


def test_equal_scores_are_ordered_by_item(model):
    equal = model._replace(items=np.ones_like(model.items))
    lists = Recommender(equal).recommend("ann 0", 48, exclude_seen=False)
    np.testing.assert_array_equal(lists.rows[0], np.arange(48))


def test_more_places_than_items(recommender):
    lists = recommender.recommend(["ann 1", "ann 2"], 1000)
    assert lists.rows.shape == (2, 48)
    assert len(lists["ann 1"]) == 48 - _of(recommender, 1).sum()


def test_users_that_are_not_known(recommender):
    asked = ["ann 3", "nobody", "ann 4"]
    with pytest.raises(DataError, match="no user 'nobody'; users are called 'ann 0'"):
        recommender.recommend(asked)
    assert recommender.recommend(asked, unknown="ignore").asked == ("ann 3", "ann 4")
    lists = recommender.recommend(asked, 6, unknown="popular")
    assert lists.popular.tolist() == [False, True, False]
    counts = np.bincount(recommender.model.train[:, 1], minlength=48)
    expected = np.argsort(-counts, kind="stable")[:6]
    assert lists["nobody"] == [(f"p{i}", counts[i]) for i in expected]
    assert lists["ann 4"] == recommender.recommend("ann 4", 6)["ann 4"]
    assert lists.columns()["source"] == ["model"] * 6 + ["most popular"] * 6 + ["model"] * 6


def test_users_without_training_get_the_popular_items_where_asked(model):
    train = model.train[:, 0] != 3
    cold = Recommender(
        model._replace(
            train=model.train[train],
            artifacts={name: model.artifacts[name][train] for name in ("laplacian", "similarity")},
        )
    )
    assert cold.recommend("ann 3", unknown="popular").popular.tolist() == [True]
    assert cold.recommend("ann 3").popular.tolist() == [False]


def test_lists_that_are_empty_or_hold_scores_of_zero_are_the_models_where_it_knows_the_user(model):
    items = model.items.copy()
    items[[4, 9]] = 0.0
    recommender = Recommender(model._replace(items=items))
    more = recommender.with_users({"everything": recommender.items.ids})
    for options in ({"candidates": ["p4", "p9"]}, {"candidates": []}):
        options |= {"unknown": "popular", "exclude_seen": False}
        lists = more.recommend(["ann 1", "everything", "nobody"], 5, **options)
        assert lists.popular.tolist() == [False, False, True]
    lists = more.recommend("everything", 5, unknown="popular")
    assert lists["everything"] == [] and not lists.popular.any()


def test_nobody_asked(recommender):
    for lists in (
        recommender.recommend([]),
        recommender.recommend(["x"], unknown="ignore"),
        recommender.similar_items([]),
    ):
        assert len(lists) == 0 and list(lists) == []
        assert all(len(column) == 0 for column in lists.columns().values())


@pytest.mark.parametrize(
    "options", [{"k": 0}, {"unknown": "guess"}, {"exclude_seen": "valid"}], ids=str
)
def test_options_out_of_range(recommender, options):
    with pytest.raises(ConfigError):
        recommender.recommend("ann 1", **options)


def test_unknown_candidates_and_pairs(recommender):
    with pytest.raises(DataError, match="no item 'cup'"):
        recommender.recommend("ann 1", candidates=["cup"])
    with pytest.raises(DataError, match="no item 'cup'"):
        recommender.score([("ann 1", "cup")])
    with pytest.raises(DataError, match="no user 'x'"):
        recommender.similar_users("x")


@pytest.mark.parametrize("what", ["users", "items"])
def test_similar_by_cosine_and_never_itself(recommender, what):
    vectors = getattr(recommender.model, what).astype(float)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    ids = getattr(recommender, what).ids
    lists = getattr(recommender, f"similar_{what}")(ids, 4)
    np.testing.assert_array_equal(lists.rows, np.argsort(-cosines, axis=1)[:, :4])
    np.testing.assert_allclose(lists.scores, -np.sort(-cosines, axis=1)[:, :4], atol=1e-5)


def test_a_second_call_compiles_nothing(recommender, count_compilations):
    recommender.recommend(["ann 1", "ann 2", "ann 3"], 5, exclude_seen=False)
    with count_compilations() as compiled:
        recommender.recommend(["ann 9", "ann 8"], 5, exclude_seen=False)
    assert compiled == []


def test_numbers_are_ids_where_the_source_has_none(model):
    numbered = Recommender(model._replace(user_ids=tuple(map(str, range(len(model.users))))))
    assert numbered.recommend(7, 3)[7] == numbered.recommend("7", 3)["7"]
