"""New users: what propagation would give them, or what their history alone gives."""

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.fold_in import FoldIn
from kdiffe_jax.recommend.recommender import Recommender
from tests.small_model import small_saved

MODELS = {
    "default": {},
    "weighted": {"layers": 3, "degree_from": "weighted", "layer_pooling": "mean"},
    "lightgcn": {"model": "lightgcn"},
    "last": {"model": "lightgcn", "layer_pooling": "last"},
    "bm3": {"model": "bm3"},
}


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def any_model(request, tmp_path_factory):
    return small_saved(tmp_path_factory.mktemp("cache"), **request.param)


def received(model, values, train):
    """f32[I, w]: sum_j L_uj h_j, user by user."""
    rows = np.zeros(model.users.shape)
    for (user, item), value in zip(train.tolist(), values.tolist(), strict=True):
        rows[user] += value * model.artifacts["messages"][item]
    return rows


def test_a_known_user_is_what_they_receive_and_the_own_row(any_model):
    model = any_model
    of_items = received(model, model.artifacts["laplacian"], model.train)
    np.testing.assert_allclose(of_items + model.artifacts["own_users"], model.users, atol=2e-5)


def test_a_new_user_has_the_weights_of_one_more_row_of_the_laplacian(any_model):
    model, items = any_model, [4, 9, 11]
    extended = Recommender(model).with_users({"new": ["p9", "p4", "p11", "p9"]}).model
    xi, similarity = model.config.get("xi", 0.0), np.zeros(3)
    of_trained = model.artifacts.get("similarity", np.zeros(len(model.train)))
    if xi:
        similarity = [of_trained[model.train[:, 1] == item].mean() for item in items]
        np.testing.assert_allclose(extended.artifacts["similarity"][-3:], similarity, rtol=1e-5)
    weights, counted, of_edges = 1 + xi * np.array(similarity), np.ones(3), np.ones(len(of_trained))
    if model.config.get("degree_from") == "weighted":
        counted, of_edges = weights, 1 + xi * of_trained
    degrees = np.bincount(model.train[:, 1], of_edges, 48)[items]
    expected = weights / np.sqrt(counted.sum() * degrees)
    np.testing.assert_allclose(extended.artifacts["laplacian"][-3:], expected, rtol=1e-5)
    np.testing.assert_array_equal(extended.train[-3:], [[60, 4], [60, 9], [60, 11]])
    own = model.artifacts.get("new_user", np.zeros(8))
    row = own + expected @ model.artifacts["messages"][items]
    np.testing.assert_allclose(extended.users[-1], row, atol=1e-5)
    np.testing.assert_array_equal(extended.artifacts["own_users"][-1], own)


def test_who_chose_what_another_chose_is_propagated_as_they_are(tmp_path):
    """Pooling the last layer leaves a user nothing of their own."""
    model = small_saved(tmp_path, "lightgcn", layer_pooling="last")
    user = 7
    history = [f"p{item}" for item in model.train[model.train[:, 0] == user, 1]]
    extended = Recommender(model).with_users({"twin": history}).model
    np.testing.assert_allclose(extended.users[-1], model.users[user], atol=1e-5)


def test_new_users_are_recommended_to_and_nobody_else_changes(recommender):
    more = recommender.with_users({"new": ["p1", "p2"], "other": ["p3"]})
    lists = more.recommend(["new", "ann 1", "other"], 48)
    assert len(lists["new"]) == 46 and not {"p1", "p2"} & {i for i, _ in lists["new"]}
    assert lists["ann 1"] == recommender.recommend("ann 1", 48)["ann 1"]
    assert "new" not in recommender.users
    assert more.similar_users("new", 3)["new"]


def test_new_users_change_no_list_of_popular_items(model, recommender):
    rare = f"p{np.argmin(model.item_degrees())}"
    more = recommender.with_users({f"new {n}": [rare] for n in range(len(model.user_ids))})
    for known in (more, Recommender(more.model)):
        lists = [r.recommend("nobody", 48, unknown="popular") for r in (recommender, known)]
        assert lists[0]["nobody"] == lists[1]["nobody"]


def test_who_else_is_new_changes_nothing(any_model):
    """Together or one after the other: the trained graph keeps its degrees and its S."""
    recommender = Recommender(any_model)
    together = recommender.with_users({"new": ["p1", "p2"], "other": ["p2"]}).model
    in_turn = recommender.with_users({"new": ["p1", "p2"]}).with_users({"other": ["p2"]}).model
    np.testing.assert_array_equal(in_turn.users[-2:], together.users[-2:])
    np.testing.assert_array_equal(in_turn.train, together.train)
    similarities = [FoldIn(model, model).mean_similarity for model in (in_turn, any_model)]
    np.testing.assert_array_equal(*similarities)


def test_new_users_alone_are_given_what_they_are_given_among_all(any_model):
    histories = {"new": ["p1", "p2"], "ann 1": ["p2"]}
    recommender = Recommender(any_model)
    among_all = recommender.with_users({"new": ["p1", "p2"], "other": ["p2"]})
    alone = recommender.of_new_users(histories)
    assert alone.recommend(k=9)["new"] == among_all.recommend("new", 9)["new"]
    assert alone.recommend("ann 1", 9)["ann 1"] == among_all.recommend("other", 9)["other"]
    item = alone.recommend("new", 1)["new"][0][0]
    assert alone.score([("new", item)]) == among_all.score([("new", item)])
    if alone.explains:
        assert alone.explain("new", item) == among_all.explain("new", item)
    assert alone.similar_users("new", 1)["new"][0][0] == "ann 1"
    assert alone.similar_items("p1", 4)["p1"] == recommender.similar_items("p1", 4)["p1"]


def test_beside_new_users_alone_others_are_new_to_the_trained_graph(any_model):
    recommender, new = Recommender(any_model), {"new": ["p1", "p2"]}
    pairs = [("new", item) for item in recommender.items.ids]
    expected = recommender.with_users(new).score(pairs)
    alone = recommender.of_new_users({"other": ["p2"], "third": ["p5"]})
    for again in (alone.with_users(new), alone.of_new_users(new)):
        np.testing.assert_array_equal(again.score(pairs), expected)
    lists = alone.with_users(new).recommend(["other", "new"], 9)
    assert lists["other"] == alone.recommend("other", 9)["other"]


def test_the_most_popular_items_are_a_new_users_too(popular):
    more = Recommender(popular).with_users({"new": ["p0", "p2"], "other": ["p5"]})
    counts = np.bincount(popular.train[:, 1], minlength=48)
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if i not in (0, 2)]
    assert more.recommend("new", 5)["new"] == [(f"p{i}", counts[i]) for i in order[:5]]
    np.testing.assert_array_equal(more.model.train[-3:], [[60, 0], [60, 2], [61, 5]])


def test_a_model_that_has_no_way_says_so(model):
    plain = Recommender(model._replace(artifacts={}))
    assert not plain.folds_in and Recommender(model).folds_in
    with pytest.raises(ConfigError, match="^kdiffe has no way to fold in a user that training"):
        plain.with_users({"new": ["p1"]})


def test_nobody_new(recommender):
    np.testing.assert_array_equal(recommender.with_users({}).model.users, recommender.model.users)


def test_users_that_cannot_be_added(recommender):
    for histories, message in (
        ({"ann 1": ["p1"]}, "there already"),
        ({"new": []}, "at least one item"),
        ({"new": ["cup"]}, "no item 'cup'"),
    ):
        with pytest.raises(DataError, match=message):
            recommender.with_users(histories)
