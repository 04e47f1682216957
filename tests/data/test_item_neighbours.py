import dataclasses
import re
from functools import partial

import numpy as np
import pytest

from kdiffe_jax.data import item_neighbours
from kdiffe_jax.data.beside_interactions import Told
from kdiffe_jax.data.content.shared_entities import nearest_by_entities, neighbours_by_entities
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import nearest_items, without_item_relations
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import DataError

# Items 0 and 1 share the rare entity 0; all share entity 1; item 2 is near item 0 (entity 2).
TRIPLES = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [2, 0, 1], [2, 1, 2]], np.int32)

WITHIN = (np.arange(40) + 2) % 40


@pytest.fixture
def dataset():
    pairs = np.array([[0, 0], [0, 1], [1, 2]], np.int32)
    return Dataset(
        name="tiny",
        n_users=2,
        n_items=3,
        n_entities=3,
        train=pairs[:1],
        valid=pairs[1:2],
        test=pairs[2:],
        triples=TRIPLES,
        relation_names=("word", "near"),
        entity_names=("rare", "common", "item zero"),
        entity_items=np.array([-1, -1, 0], np.int32),
    )


def test_entities_of_all_items_tell_nothing():
    """log(4/3) of the common entity is small beside log(4/2) of the rare one, not zero."""
    near = neighbours_by_entities(TRIPLES[:5], 1, n_items=3, n_entities=2)
    assert near.entities.tolist()[:2] == [1, 0]
    rarity = np.log([4 / 3, 4 / 4])
    rows = np.array([[1, 1], [1, 1], [0, 1]]) * rarity
    assert (rows[2] == 0).all() and near.items.tolist() == [0, 1]


def test_shared_entities_equal_a_dense_oracle(rng):
    has = (rng.random((20, 12)) < 0.3).astype(float)
    items, entities = np.nonzero(has)
    triples = np.stack([items, np.zeros_like(items), entities], axis=1)
    near = neighbours_by_entities(triples, 3, n_items=20, n_entities=12)
    rows = has * np.log(21 / (has.sum(axis=0) + 1))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    cosines = np.round(rows @ rows.T, 6)
    np.fill_diagonal(cosines, -1)
    for item in range(20):
        best = np.lexsort((np.arange(20), -cosines[item]))[:3]
        expected = [j for j in best if cosines[item, j] > 0]
        np.testing.assert_allclose(
            np.sort(near.weights[near.items == item]),
            np.sort(cosines[item, expected]),
            atol=2e-6,
        )


def test_nearest_to_others_are_the_neighbours_but_for_themselves(rng):
    """Items that are looked for by their own entities find themselves, then their neighbours."""
    items, entities = np.nonzero(rng.random((20, 12)) < 0.3)
    triples = np.stack([items, np.zeros_like(items), entities], axis=1)
    sizes = dict(n_items=20, n_entities=12)
    near = neighbours_by_entities(triples, 3, **sizes)
    heads, tails = nearest_by_entities(triples, triples, 20, n_wanted=20, **sizes)
    others = heads != tails
    assert set(heads[~others]) == set(items)
    for item in range(20):
        found = tails[others & (heads == item)][:3]
        np.testing.assert_array_equal(found, near.entities[near.items == item])


def test_matrix_is_the_mean_of_the_normalised_kinds(dataset):
    """Given: 2 -> 0. By entities: 0 -> 1 and 1 -> 0. Each has one entry a row and column."""
    found = nearest_items(dataset, 1).matrix.toarray()
    expected = np.zeros((3, 3))
    expected[2, 0] = expected[0, 1] = expected[1, 0] = 0.5
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_each_relation_is_a_kind_of_its_own(dataset):
    """By words 0 and 1 are near, by brands 1 and 2; together 1 is nearest to 0 alone."""
    triples = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [2, 1, 1]], np.int32)
    two = dataclasses.replace(
        dataset, triples=triples, relation_names=("word", "brand"), entity_items=None
    )
    each = nearest_items(two, 1, each_relation=True)
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = expected[1, 2] = expected[2, 1] = 0.5
    np.testing.assert_allclose(each.matrix.toarray(), expected, rtol=1e-6)
    assert each.note == "nearest items by shared word 0.50, shared brand 0.50"
    together = nearest_items(two, 1)
    assert together.note == "nearest items by shared entities 1.00"
    assert together.matrix[[1], :].count_nonzero() == 1


@pytest.mark.parametrize("each_relation", (False, True))
def test_codes_of_features_are_no_kind_of_their_own(dataset, each_relation):
    features = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], np.float32)
    coded = dataclasses.replace(dataset, features={"word": features})
    found = nearest_items(coded, 1, each_relation=each_relation)
    assert found.note == "nearest items by near 0.50, word 0.50"


def test_features_are_a_kind_and_the_codes_made_of_them_are_not(dataset):
    features = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], np.float32)
    coded = dataclasses.replace(dataset, features={"word": features})
    found = nearest_items(coded, 1).matrix.toarray()
    expected = np.zeros((3, 3))
    expected[0, 1], expected[1, 0], expected[2, 0] = 0.5, 0.5**1.5, 0.5 + 0.5**1.5
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_features_beside_a_list_of_their_name_are_told_apart(dataset):
    rows = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]], np.float32)
    alone = nearest_items(dataclasses.replace(dataset, features={"image": rows}), 1)
    beside = nearest_items(dataclasses.replace(dataset, features={"near": rows}), 1)
    assert "near 0.33, image 0.33" in alone.note
    assert "near 0.33, near features 0.33" in beside.note
    np.testing.assert_array_equal(alone.matrix.toarray(), beside.matrix.toarray())


def test_a_near_item_of_many_weighs_less(dataset):
    triples = np.array([[0, 1, 2], [1, 1, 2], [2, 0, 0]], np.int32)
    entity_items = np.array([-1, -1, 2], np.int32)
    hub = dataclasses.replace(dataset, triples=triples, entity_items=entity_items)
    found = nearest_items(hub, 1).matrix.toarray()
    np.testing.assert_allclose(found[:2, 2], 1 / np.sqrt(2), rtol=1e-6)


def test_relations_between_items_leave_the_graph_and_say_so(dataset):
    without = without_item_relations(dataset)
    np.testing.assert_array_equal(without.triples, TRIPLES[:5])
    assert without.relation_names == ("word",) and without.entity_names == ("rare", "common")
    assert without.entity_items is None and "1 relations between items" in without.notes[-1]
    assert without_item_relations(without) is without


def test_entities_of_one_name_stay_two_without_relations_between_items(dataset):
    alike = dataclasses.replace(dataset, entity_names=("red", "red", "item zero"))
    without = without_item_relations(alike)
    np.testing.assert_array_equal(without.triples, TRIPLES[:5])
    assert without.entity_names == ("red", "red")


@pytest.mark.parametrize("weighed", ["equal", "lift", "evidence"])
def test_content_that_links_no_two_items_gives_none(dataset, weighed):
    """Each item has an entity of its own."""
    alone = np.stack([np.arange(dataset.n_items), *np.zeros((2, dataset.n_items), int)], axis=1)
    alone[:, 2] = np.arange(dataset.n_items)
    names = tuple(f"e{number}" for number in range(dataset.n_items))
    apart = dataclasses.replace(
        dataset,
        triples=alone.astype(np.int32),
        n_entities=dataset.n_items,
        entity_names=names,
        relation_names=("own",),
        entity_items=None,
        features={},
        relevant=None,
    )
    found = nearest_items(apart, 3, weighed=weighed)
    assert found.matrix.nnz == found.of_cold.nnz == 0 and "links no two items" in found.note


def test_no_content_is_refused(dataset):
    bare = dataclasses.replace(
        dataset, triples=np.zeros((0, 3), np.int32), entity_items=None, relation_names=()
    )
    with pytest.raises(DataError, match="nearest items"):
        nearest_items(bare, 1)


@pytest.fixture
def halves(rng):
    """Users take items of one half; one relation links within the halves, the next is its
    inverse, the last links at random."""
    half = np.arange(40) % 2
    users = np.repeat(np.arange(60), 8)
    items = np.concatenate(
        [rng.choice(np.flatnonzero(half == u % 2), 8, replace=False) for u in range(60)]
    )
    pairs = sorted_unique(np.stack([users, items], axis=1))
    links = [(np.arange(40), WITHIN), (WITHIN, np.arange(40)), (np.arange(40), rng.permutation(40))]
    triples = np.concatenate(
        [np.stack([of, np.full(40, r), to], axis=1) for r, (of, to) in enumerate(links)]
    )
    return Dataset(
        name="halves",
        n_users=60,
        n_items=40,
        n_entities=40,
        train=pairs[2:],
        valid=pairs[:1],
        test=pairs[1:2],
        triples=sorted_unique(triples),
        relation_names=("within", "inverse", "random"),
        entity_names=tuple(map(str, range(40))),
        entity_items=np.arange(40, dtype=np.int32),
    )


def test_kinds_weigh_by_what_training_tells_of_them(halves):
    found = nearest_items(halves, 1, weighed="lift").matrix.toarray()
    within = found[np.arange(40), WITHIN].sum() + found[WITHIN, np.arange(40)].sum()
    assert found.sum() == pytest.approx(40.0, rel=1e-5)
    assert within > 30.0
    note = nearest_items(halves, 1, weighed="lift").note
    assert note.startswith("nearest items by within 0.") and re.search(r"\(lift 1\.\d\d ± 0", note)
    equal = nearest_items(halves, 1).matrix.toarray()
    assert equal[np.arange(40), WITHIN].sum() < 25.0


def test_an_inverse_counts_once_and_what_tells_nothing_has_no_weight(halves):
    near = nearest_items(halves, 1, weighed="evidence")
    found = near.matrix.toarray()
    assert (found > 0).sum() == 80 and (found == found.T).all()
    assert 0 < found[np.arange(40), WITHIN].min() <= 0.5 + 1e-6
    assert near.note.startswith("nearest items by within ") and "inverse" not in near.note
    assert re.search(r"random 0\.00 \(gain -?0\.\d\d ± 0\.\d\d, lift \d\.\d\d ± 0", near.note)


def test_where_content_tells_nothing_there_are_no_neighbours_but_of_cold_items(halves):
    of_random = halves.triples[halves.triples[:, 1] == 2]
    near = nearest_items(dataclasses.replace(halves, triples=of_random), 1, weighed="evidence")
    assert near.matrix.shape == (40, 40) and near.matrix.nnz == 0
    assert near.of_cold.sum() == pytest.approx(40.0)
    assert near.note.startswith("content tells nothing beside interactions: nearest items by ")


def test_a_gain_over_interactions_that_tell_nothing_is_no_figure(halves, monkeypatch):
    told = [Told(0.0, 2e6, 1e5), Told(0.0, -0.5, 0.3)]
    monkeypatch.setattr(item_neighbours, "told_beside_interactions", lambda *_, **__: told)
    note = nearest_items(halves, 1, weighed="evidence").note
    assert "(gain without bound, lift " in note and "(gain -0.50 ± 0.30, lift " in note


def test_a_search_that_misses_some_is_told_whatever_it_searches_by(dataset, monkeypatch):
    features = {"image": np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)}
    dataset = dataclasses.replace(dataset, features=features)
    assert "may be missed" not in nearest_items(dataset, 1).note
    few = partial(item_neighbours.feature_neighbours, most_products=0)
    monkeypatch.setattr(item_neighbours, "feature_neighbours", few)
    assert "image: 1 nearest items by cosine for 3 items" in nearest_items(dataset, 1).note
