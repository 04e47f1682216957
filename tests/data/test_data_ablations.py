"""Data ablations take away what they log, and nothing else."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.data_ablations import (
    ablated,
    noise_features,
    shuffled,
    some_users,
    untrained_items,
    without_relation,
)
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.knowledge import ensure_knowledge
from kdiffe_jax.data.options import ContentConfig, DataAblationConfig
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def planted():
    return planted_dataset(PlantedSizes(users=60, items=48, topics=4, interactions_per_user=8))


def degrees(dataset, column):
    """How often every (relation, id) occurs."""
    rows, counts = np.unique(dataset.triples[:, [1, column]], axis=0, return_counts=True)
    return rows.tolist(), counts.tolist()


def test_shuffling_keeps_all_degrees_and_moves_triples(planted):
    other = shuffled(planted, seed=3)
    assert degrees(other, 0) == degrees(planted, 0)
    assert degrees(other, 2) == degrees(planted, 2)
    same = np.isin(other.triples @ [10**6, 10**4, 1], planted.triples @ [10**6, 10**4, 1])
    assert same.mean() < 0.3
    assert other.relevant is None and "shuffled" in other.notes[-1]


def test_shuffling_is_a_function_of_the_seed(planted):
    first, again, other = (shuffled(planted, seed=seed).triples for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 40))
def test_shuffling_any_graph_gives_valid_triples_and_says_what_went(seed, entities, size):
    rng = np.random.default_rng(seed)
    triples = sorted_unique(rng.integers((6, 2, entities), size=(size, 3)))
    pairs = [np.array([[0, item]], np.int32) for item in range(3)]
    dataset = Dataset("any", 1, 6, entities, *pairs, triples, relation_names=("a", "b"))
    other = shuffled(dataset, seed=seed)
    lost = len(triples) - len(other.triples)
    assert lost == 0 or f"; {lost} triples" in other.notes[-1]
    assert (np.bincount(other.triples[:, 1]) <= np.bincount(triples[:, 1])).all()


def test_a_full_graph_cannot_be_shuffled_and_stays():
    triples = np.array([[i, 0, e] for i in range(4) for e in range(3)], np.int32)
    pairs = [np.array([[0, item]], np.int32) for item in range(3)]
    dataset = Dataset("full", 1, 4, 3, *pairs, triples, relation_names=("a",))
    assert len(shuffled(dataset, seed=0).triples) <= len(triples)


def test_a_relation_goes_with_its_entities(planted):
    rest = without_relation(planted, "word")
    assert rest.relation_names == ("visual label", "brand")
    assert not any(name.startswith("word") for name in rest.entity_names)
    counts = planted.triples_per_relation()
    assert rest.triples_per_relation() == {n: counts[n] for n in rest.relation_names}
    topics = [int(name.split("topic ")[1][:-1]) for name in rest.entity_names]
    item_topic = {}
    for (item, _, entity), relevant in zip(rest.triples, rest.relevant, strict=True):
        if relevant:
            assert item_topic.setdefault(item, topics[entity]) == topics[entity]


def test_items_as_entities_stay_items():
    triples = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 2]], np.int32)
    pairs = [np.array([[0, item]], np.int32) for item in range(3)]
    items = np.array([-1, 2, 0], np.int32)
    dataset = Dataset("a", 1, 3, 3, *pairs, triples, relation_names=("x", "y"), entity_items=items)
    assert without_relation(dataset, "x").entity_items.tolist() == [2, 0]
    assert without_relation(dataset, "y").entity_items is None


def test_noise_has_the_shape_of_the_features(planted):
    rows = np.ones((planted.n_items, 5), np.float32)
    dataset = dataclasses.replace(planted, features={"image": rows})
    noisy = noise_features(dataset, seed=0)
    assert noisy.features["image"].shape == rows.shape
    assert abs(noisy.features["image"].mean()) < 0.3 < noisy.features["image"].std()
    assert (noisy.features["image"] == noise_features(dataset, seed=0).features["image"]).all()


def test_noise_becomes_the_knowledge_graph(planted):
    pytest.importorskip("sklearn")
    features = {"image": np.eye(planted.n_items, 5, dtype=np.float32)}
    content = ContentConfig(codebook_size=4, codes_per_item=1, kg_source="features")
    dataset = dataclasses.replace(planted, features=features)
    graph = ensure_knowledge(ablated(dataset, DataAblationConfig("noise")), content)
    assert len(graph.relation_names) == 1 and len(graph.triples) == planted.n_items


def test_relations_made_of_features_become_noise_with_them(planted):
    features = {"brand": np.eye(planted.n_items, 5, dtype=np.float32)}
    noisy = noise_features(dataclasses.replace(planted, features=features), seed=0)
    changed = (noisy.triples != planted.triples).any(axis=1)
    assert set(planted.triples[changed, 1]) == {planted.relation_names.index("brand")}


def test_neighbours_of_a_modality_that_is_noise_stay(planted):
    features = {"brand": np.eye(planted.n_items, 5, dtype=np.float32)}
    items = np.full(planted.n_entities, -1, np.int32)
    brand = planted.triples[planted.triples[:, 1] == planted.relation_names.index("brand"), 2]
    items[np.unique(brand)] = np.arange(len(np.unique(brand)))
    dataset = dataclasses.replace(planted, features=features, entity_items=items)
    noisy = noise_features(dataset, seed=0)
    np.testing.assert_array_equal(noisy.triples, planted.triples)
    assert (noisy.features["brand"] != features["brand"]).any()


def test_shuffling_gives_items_the_features_of_others(planted):
    rows = np.arange(planted.n_items, dtype=np.float32)[:, None]
    other = shuffled(dataclasses.replace(planted, features={"image": rows}), seed=0)
    moved = other.features["image"]
    assert (moved != rows).any() and (np.sort(moved, axis=0) == rows).all()


def test_a_modality_goes_by_its_name(planted):
    rows = np.ones((planted.n_items, 2), np.float32)
    dataset = dataclasses.replace(planted, features={"image": rows, "brand": rows})
    assert set(without_relation(dataset, "image").features) == {"brand"}
    rest = without_relation(dataset, "brand")
    assert set(rest.features) == {"image"} and "brand" not in rest.relation_names


def test_some_users_keep_their_interactions(planted):
    part = some_users(planted, 0.25, seed=1)
    assert part.n_users == 15 and part.n_items == planted.n_items
    per_user = len(planted.train) / planted.n_users
    assert len(part.train) == per_user * 15
    again = ablated(planted, DataAblationConfig("users:0.25", 1))
    assert (again.train == part.train).all()


def test_untrained_items_are_cold_and_keep_everything_else(planted):
    part = untrained_items(planted, 0.25, seed=1)
    trained, left = np.unique(planted.train[:, 1]), np.unique(part.train[:, 1])
    gone = np.setdiff1d(trained, left)
    assert len(gone) == round(0.25 * len(trained)) and np.isin(left, trained).all()
    stays = planted.train[~np.isin(planted.train[:, 1], gone)]
    np.testing.assert_array_equal(part.train, stays)
    for kept in ("valid", "test", "triples"):
        assert getattr(part, kept) is getattr(planted, kept)
    assert f"{len(gone)} of {len(trained)} trained items" in part.notes[-1]
    again = ablated(planted, DataAblationConfig("items:0.25", 1))
    np.testing.assert_array_equal(again.train, part.train)


def test_the_configuration_chooses(planted):
    assert ablated(planted, DataAblationConfig()) is planted
    other = ablated(planted, DataAblationConfig("shuffled", 3))
    assert (other.triples == shuffled(planted, seed=3).triples).all()
    rest = ablated(planted, DataAblationConfig("relation:brand"))
    assert rest.relation_names == ("visual label", "word")


@pytest.mark.parametrize(
    ("data_ablation", "error", "word"),
    [
        ("half", ConfigError, "choose none, shuffled"),
        ("relation", ConfigError, "relation:NAME"),
        ("shuffled:2", ConfigError, "choose"),
        ("relation:colour", ConfigError, "visual label, word, brand"),
        ("users:2", ConfigError, "a share above 0"),
        ("users:many", ConfigError, "a share above 0"),
        ("items:0", ConfigError, "'items:0': a share above 0"),
        ("items:1", DataError, "leaves nothing to train on"),
        ("noise", DataError, "no features"),
    ],
)
def test_refusals(planted, data_ablation, error, word):
    with pytest.raises(error, match=word) as caught:
        ablated(planted, DataAblationConfig(data_ablation))
    assert "\n" not in str(caught.value)
