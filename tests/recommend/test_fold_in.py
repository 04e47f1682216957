"""New users: what propagation would give them."""

import numpy as np
import pytest

from kdiffe_jax.errors import DataError
from kdiffe_jax.recommend.fold_in import fold_in, mean_similarity
from kdiffe_jax.recommend.messages import own_factor
from kdiffe_jax.recommender import Recommender
from kdiffe_jax.training.saving import model_of
from tests.small_model import small_problem, untrained

LOOPED = {"layers": 3, "self_loops": True, "degree_from": "weighted"}


@pytest.fixture(scope="module", params=[{}, LOOPED], ids=["default", "looped"])
def any_model(request, tmp_path_factory):
    problem = small_problem(tmp_path_factory.mktemp("cache"), **request.param)
    return model_of(problem, untrained(problem))


def test_a_known_user_is_the_fold_in_and_the_own_layer_zero(any_model):
    model = any_model
    users, items = model.train.T
    received = fold_in(model, items, users, model.laplacian, model.user_loops)
    own = own_factor(model, model.user_loops)[:, None] * model.own_users
    np.testing.assert_allclose(received + own, model.users, atol=2e-5)


def test_a_new_user_has_the_weights_of_one_more_row_of_the_laplacian(any_model):
    items = [4, 9, 11]
    extended = Recommender(any_model).with_users({"new": ["p9", "p4", "p11", "p9"]}).model
    config = any_model.about["config"]
    similarity = mean_similarity(any_model)[items]
    weights = 1 + config["xi"] * similarity
    counted = weights if config["degree_from"] == "weighted" else np.ones(3)
    degree = counted.sum() + config["self_loops"]
    expected = weights / np.sqrt(degree * any_model.item_degrees[items])
    np.testing.assert_allclose(extended.laplacian[-3:], expected, rtol=1e-5)
    np.testing.assert_allclose(extended.user_loops[-1], config["self_loops"] / degree)
    np.testing.assert_array_equal(extended.train[-3:], [[60, 4], [60, 9], [60, 11]])


def test_new_users_are_recommended_to_and_nobody_else_changes(recommender):
    more = recommender.with_users({"new": ["p1", "p2"], "other": ["p3"]})
    lists = more.recommend(["new", "ann 1", "other"], 48)
    assert len(lists["new"]) == 46 and not {"p1", "p2"} & {i for i, _ in lists["new"]}
    assert lists["ann 1"] == recommender.recommend("ann 1", 48)["ann 1"]
    alone = recommender.with_users({"other": ["p3"]})
    np.testing.assert_array_equal(alone.model.users[-1], more.model.users[-1])
    assert "new" not in recommender.users
    assert more.similar_users("new", 3)["new"]


def test_users_that_cannot_be_added(recommender):
    for histories, message in (
        ({"ann 1": ["p1"]}, "there already"),
        ({"new": []}, "at least one item"),
        ({"new": ["cup"]}, "no item 'cup'"),
    ):
        with pytest.raises(DataError, match=message):
            recommender.with_users(histories)
