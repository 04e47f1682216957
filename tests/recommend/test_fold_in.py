"""New users and items: what propagation would give them."""

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


def test_a_new_item_is_eq_1_and_2_without_an_own_embedding(any_model):
    model = any_model
    triples = model.triples[:3]
    given = [(model.relation_names[r], model.entity_names[e]) for _, r, e in triples]
    extended = Recommender(model).with_items({"new": given}).model
    rows = model.entities[triples[:, 2]]
    logits = np.einsum("nd,dk,nk->n", model.relations[triples[:, 1]], model.entity_weight, rows)
    logits = np.where(logits > 0, logits, 0.2 * logits)
    attention = np.exp(logits) / np.exp(logits).sum()
    layer_zero = attention @ rows
    layer_zero /= np.linalg.norm(layer_zero)
    config = model.about["config"]
    factor = config["layers"] + 1 if config["self_loops"] else 1
    np.testing.assert_allclose(extended.items[-1], factor * layer_zero, atol=1e-5)
    np.testing.assert_allclose(extended.attention[-3:], attention, atol=1e-5)


def test_a_new_item_is_scaled_as_the_score_asks(model):
    name = model.entity_names[model.triples[0, 2]]
    relation = model.relation_names[model.triples[0, 1]]
    about = {
        **model.about,
        "config": {**model.about["config"], "score": "cosine", "self_loops": True},
    }
    row = Recommender(model._replace(about=about)).with_items({"new": [(relation, name)]})
    assert np.linalg.norm(row.model.items[-1]) == pytest.approx(1.0, rel=1e-5)
    about["config"]["score"] = "inner_product"
    row = Recommender(model._replace(about=about)).with_items({"new": [(relation, name)]})
    assert np.linalg.norm(row.model.items[-1]) > 1.5


def test_a_new_item_can_be_ranked_and_compared(recommender):
    model = recommender.model
    names = [model.entity_names[e] for e in model.triples[:2, 2]]
    more = recommender.with_items({"new": names, "newer": names[:1]})
    ranked = more.recommend("ann 1", 5, candidates=["new", "newer"])["ann 1"]
    assert {item for item, _ in ranked} == {"new", "newer"}
    assert more.similar_items("new", 2)["new"]
    assert "new" in more.items_with(names[0])
    assert len(more.model.item_names) == len(more.items)


def test_items_that_cannot_be_added(recommender):
    for entities, message in (
        ({"p1": ["x"]}, "there already"),
        ({"new": []}, "at least one entity"),
        ({"new": ["no such"]}, "no entity 'no such'"),
        ({"new": [("colour", "red")]}, "no relation 'colour'; there are 'visual label'"),
    ):
        with pytest.raises(DataError, match=message):
            recommender.with_items(entities)


def test_a_name_in_two_relations_needs_its_relation(model):
    relations = {r: e for _, r, e in model.triples.tolist()}
    names = list(model.entity_names)
    names[relations[0]] = names[relations[1]] = "red"
    recommender = Recommender(model._replace(entity_names=tuple(names)))
    with pytest.raises(DataError, match="stands in 'visual label', 'word'"):
        recommender.items_with("red")
    having = recommender.items_with("red", "word")
    mine = (model.triples[:, 1] == 1) & (model.triples[:, 2] == relations[1])
    assert having == [f"p{i}" for i in np.unique(model.triples[mine, 0])]
