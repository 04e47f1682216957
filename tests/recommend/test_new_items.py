"""New items: what the knowledge layer makes of their entities, and their nearest items."""

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.recommender import Recommender
from tests.small_model import small_saved

MEAN = {"layers": 3, "layer_pooling": "mean"}
NEAR = {"neighbour_weight": 0.7, "nearest_items": 3}
LAST = NEAR | {"last_neighbour_weight": 0.4}


OF_MEANS = pytest.param(MEAN, marks=pytest.mark.thorough)


@pytest.fixture(scope="module", params=[{}, OF_MEANS], ids=["default", "mean"])
def any_model(request, tmp_path_factory):
    return small_saved(tmp_path_factory.mktemp("cache"), **request.param)


@pytest.fixture(scope="module", params=[NEAR, LAST | MEAN], ids=["default", "last mean"])
def near_model(request, tmp_path_factory):
    return small_saved(tmp_path_factory.mktemp("cache"), **request.param)


def with_config(model, **changes):
    return model._replace(about={**model.about, "config": {**model.config, **changes}})


def share_of_layer_zero(model):
    """What the pooling takes of each layer."""
    return 1 / (model.config["layers"] + 1) if model.config["layer_pooling"] == "mean" else 1.0


def made_of(model, item):
    """The entities of an item, as one names them."""
    names = model.relation_names, model.entity_names
    mine = model.triples[model.triples[:, 0] == item]
    return [(names[0][r], names[1][e]) for _, r, e in mine]


def knowledge_only(model, triples):
    """Attention and eq. 1 of one item without an embedding of its own."""
    arrays = model.artifacts
    rows = arrays["entities"][triples[:, 2]]
    relations = arrays["relations"][triples[:, 1]]
    logits = np.einsum("nd,dk,nk->n", relations, arrays["entity_weight"], rows)
    logits = np.where(logits > 0, logits, 0.2 * logits)
    attention = np.exp(logits) / np.exp(logits).sum()
    row = attention @ rows
    return attention, row / np.linalg.norm(row)


def nearest(model, triples, n_nearest, among=None):
    """Items by the cosine of rarity-weighted entities, each item and entity a dense row."""
    n_items = len(model.items)
    has = np.zeros((n_items, len(model.entity_names)))
    has[model.triples[:, 0], model.triples[:, 2]] = 1
    if among is not None:
        has[~among] = 0
    wanted = np.zeros(len(model.entity_names))
    wanted[triples[:, 2]] = 1
    rarity = np.log((n_items + 1) / (has.sum(axis=0) + 1))
    rows, row = has * rarity, wanted * rarity
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(row)
    cosines = np.round(rows @ row / np.maximum(lengths, 1e-12), 5)
    order = np.lexsort((np.arange(n_items), -cosines))[:n_nearest]
    return order[cosines[order] > 0]


def test_a_new_item_is_eq_1_and_2_without_an_own_embedding(any_model):
    model = any_model
    triples = model.triples[:3]
    given = [(model.relation_names[r], model.entity_names[e]) for _, r, e in triples]
    extended = Recommender(model).with_items({"new": given}).model
    attention, layer_zero = knowledge_only(model, triples)
    row = share_of_layer_zero(model) * layer_zero
    np.testing.assert_allclose(extended.items[-1], row, atol=1e-5)
    np.testing.assert_allclose(extended.artifacts["messages"][-1], row, atol=1e-5)
    np.testing.assert_allclose(extended.artifacts["attention"][-3:], attention, atol=1e-5)


def test_a_new_item_has_the_mean_of_its_nearest_items_where_training_has_them(near_model):
    model = near_model
    triples = model.triples[model.triples[:, 0] == 5]
    near = nearest(model, triples, 3)
    assert len(near) == 3 and near[0] == 5
    beside = model.artifacts["before_neighbours"][near].mean(axis=0)
    row = share_of_layer_zero(model) * (knowledge_only(model, triples)[1] + 0.7 * beside)
    last = model.config["last_neighbour_weight"] * beside / np.linalg.norm(beside)
    extended = Recommender(model).with_items({"new": made_of(model, 5)}).model
    np.testing.assert_allclose(extended.items[-1], row + last, atol=2e-5)
    np.testing.assert_allclose(extended.artifacts["messages"][-1], row, atol=2e-5)


@pytest.mark.parametrize("changes", [{}, NEAR, {"score": "cosine"}], ids=str)
def test_a_new_item_ranks_by_its_nearest_trained_items_where_cold_ones_do(tmp_path, changes):
    cold = {"cold_items": "neighbours", "data_ablation": "items:0.3", "nearest_items": 3}
    model = small_saved(tmp_path, **cold | changes)
    trained = np.bincount(model.train[:, 1], minlength=len(model.items)) > 0
    item = int(np.argmin(trained))
    triples = model.triples[model.triples[:, 0] == item]
    near = nearest(model, triples, 3, trained)
    assert len(near) == 3 and trained[near].all() and not trained.all()
    row = model.items[near].mean(axis=0)
    length = np.linalg.norm(model.items[near], axis=1).mean()
    extended = Recommender(model).with_items({"new": made_of(model, item)})
    expected = row / np.linalg.norm(row) * length
    np.testing.assert_allclose(extended.model.items[-1], expected, atol=1e-5)
    for zoe in (extended.with_users({"zoe": ["new"]}), extended.of_new_users({"zoe": ["new"]})):
        again = zoe.with_items({"newer": made_of(model, item)}).model
        np.testing.assert_allclose(again.items[-1], expected, atol=1e-5)


def test_a_new_item_that_no_trained_item_is_near_to_keeps_its_own_row(tmp_path):
    model = small_saved(tmp_path, cold_items="neighbours")
    entity = [(model.relation_names[0], model.entity_names[0])]
    everywhere = np.array([[item, 0, 0] for item in range(len(model.items))], np.int32)
    model = model._replace(triples=np.unique(np.concatenate([model.triples, everywhere]), axis=0))
    extended = Recommender(model).with_items({"new": entity}).model
    _, layer_zero = knowledge_only(model, np.array([[0, 0, 0]]))
    np.testing.assert_allclose(extended.items[-1], layer_zero, atol=1e-5)


@pytest.mark.parametrize("cold_items", ["own", "neighbours"])
def test_new_items_are_no_neighbours_of_one_another(near_model, cold_items):
    """Together or one after the other, and whatever else is new, an item is the same."""
    model = with_config(near_model, cold_items=cold_items)
    recommender = Recommender(model)
    given = {"a": made_of(model, 5), "b": made_of(model, 5)[:1], "c": made_of(model, 7)}
    together = recommender.with_items(given).model
    in_turn = recommender
    for name, entities in given.items():
        in_turn = in_turn.with_items({name: entities})
    np.testing.assert_allclose(in_turn.model.items[-3:], together.items[-3:], atol=1e-6)
    for name in ("messages", "attention"):
        found, expected = in_turn.model.artifacts[name], together.artifacts[name]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_entity_that_all_items_have_makes_no_neighbours(near_model):
    model = near_model
    everywhere = np.array([[item, 0, 0] for item in range(len(model.items))], np.int32)
    model = model._replace(
        triples=np.unique(np.concatenate([model.triples, everywhere]), axis=0),
        entity_names=("everywhere", *model.entity_names[1:]),
    )
    given = [(model.relation_names[0], "everywhere")]
    extended = Recommender(model).with_items({"new": given}).model
    _, layer_zero = knowledge_only(model, np.array([[0, 0, 0]]))
    row = share_of_layer_zero(model) * layer_zero
    np.testing.assert_allclose(extended.items[-1], row, atol=1e-5)


@pytest.mark.parametrize(("score", "power"), [("cosine", 0.0), ("root_length", 0.5)])
def test_a_new_item_is_scaled_as_the_score_asks(near_model, score, power):
    given = {"new": made_of(near_model, 5)}
    plain = Recommender(near_model).with_items(given).model.items[-1]
    length = np.linalg.norm(plain)
    scaled = Recommender(with_config(near_model, score=score)).with_items(given).model.items[-1]
    assert abs(length - 1) > 0.05
    np.testing.assert_allclose(scaled, plain / length * length**power, rtol=1e-5)


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
        ({"a\nb": ["x"]}, "holds a line break"),
        ({" ": ["x"]}, "is empty"),
        ({"new": ["no such"]}, "no entity 'no such'"),
        ({"new": [("colour", "red")]}, "no relation 'colour'; there are 'visual label'"),
    ):
        with pytest.raises(DataError, match=message):
            recommender.with_items(entities)


def test_models_that_make_no_items_of_entities(lightgcn, popular):
    for model, name in ((lightgcn, "lightgcn"), (popular, "most_popular")):
        entity = model.entity_names[model.triples[0, 2]]
        with pytest.raises(ConfigError, match=f"^{name} has no rows for new items: it does not"):
            Recommender(model).with_items({"new": [entity]})


def test_a_model_without_triples_holds_no_entities(lightgcn):
    bare = Recommender(lightgcn._replace(triples=lightgcn.triples[:0]))
    with pytest.raises(DataError, match="no entity 'red' with a triple; the model holds none"):
        bare.items_with("red")


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
