"""From a catalogue to a data set: what each option keeps, drops and says."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue, Interactions, catalogue_of
from kdiffe_jax.data.prepare import described, prepare
from kdiffe_jax.data.readers.prepared import read_prepared, write_prepared
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError

N_USERS, N_ITEMS = 12, 8
RED, BLUE = "a red cup", "a blue plate"


def catalogue(**changes):
    users = np.repeat(np.arange(N_USERS, dtype=np.int32), 5)
    items = (users * 3 + np.tile(np.arange(5, dtype=np.int32), N_USERS)) % (N_ITEMS - 1)
    plain = Catalogue(
        name="shop",
        user_ids=tuple(f"u{u}" for u in range(N_USERS)),
        item_ids=tuple(f"p{i}" for i in range(N_ITEMS)),
        interactions=Interactions(users, items, times=np.arange(len(users))),
        columns={
            "title": (RED, RED, BLUE, BLUE, RED, BLUE, "", BLUE),
            "brand": ("Acme", "Acme", "Zenith", "Zenith", "Acme", "", "", "Only"),
        },
        features={"image": np.random.default_rng(0).normal(size=(N_ITEMS, 5)).astype("f4")},
        item_names=tuple(f"Thing {i}" for i in range(N_ITEMS)),
    )
    return dataclasses.replace(plain, **changes)


def config(**changes):
    small = dict(words_min_items=1, words_max_share=1.0, codebook_size=3, codes_per_item=1)
    return PrepareConfig.from_flat(small | changes)


def words_of(dataset, item):
    mine = dataset.triples[dataset.triples[:, 0] == dataset.item_ids.index(item)]
    return {(dataset.relation_names[r], dataset.entity_names[e]) for _, r, e in mine.tolist()}


def test_columns_and_features_become_relations_with_names():
    dataset = prepare(catalogue(), config())
    assert dataset.relation_names == ("title", "brand", "image")
    found = words_of(dataset, "p0")
    assert {("title", "red"), ("title", "cup"), ("brand", "Acme")} < found
    assert sum(relation == "image" for relation, _ in found) == 1
    assert len(dataset.train) + len(dataset.valid) + len(dataset.test) == 5 * N_USERS


def test_items_without_interactions_go_unless_asked_for():
    assert prepare(catalogue(), config()).item_ids == tuple(f"p{i}" for i in range(7))
    dataset = prepare(catalogue(), config(keep_items="all", min_entity_items=1))
    assert dataset.n_items == N_ITEMS and ("brand", "Only") in words_of(dataset, "p7")
    assert len(dataset.features["image"]) == N_ITEMS


def test_external_ids_follow_their_items_through_the_k_core():
    source = catalogue()
    rows = source.interactions
    rare = rows.take((rows.items != 2) | (rows.users < 2))
    dataset = prepare(dataclasses.replace(source, interactions=rare), config(k_core=3))
    assert "p2" not in dataset.item_ids
    original = {
        (f"u{u}", f"p{i}") for u, i in zip(rare.users.tolist(), rare.items.tolist(), strict=True)
    }
    pairs = np.concatenate([dataset.train, dataset.valid, dataset.test]).tolist()
    assert {(dataset.user_ids[u], dataset.item_ids[i]) for u, i in pairs} <= original
    assert ("title", "red") in words_of(dataset, "p4")


def test_neighbours_become_entities_that_are_items():
    near = Relation("near", np.array([0, 1, 7]), np.array([1, 3, 0]), space=ITEMS)
    dataset = prepare(catalogue(relations=(near,)), config())
    links = words_of(dataset, "p0") | words_of(dataset, "p1")
    assert {("near", "Thing 1"), ("near", "Thing 3")} <= links
    entity = dataset.entity_names.index("Thing 3")
    assert dataset.item_ids[dataset.entity_items[entity]] == "p3"


def test_neighbours_of_two_files_are_counted_together():
    ring = np.arange(7)
    near = [
        Relation("near", ring, (ring + step) % 7, weights=np.full(7, weight, "f4"), space=ITEMS)
        for step, weight in ((1, 0.5), (2, 1.0))
    ]
    made = prepare(catalogue(columns={}, relations=near), config(neighbours_per_item=1))
    triples = made.triples[made.triples[:, 1] == made.relation_names.index("near")]
    nearest = made.entity_items[triples[:, 2]]
    assert triples[:, 0].tolist() == ring.tolist() and np.array_equal(nearest, (ring + 2) % 7)


def test_degenerate_relations_go_and_it_is_said():
    items = np.arange(N_ITEMS)
    same = Relation("modality", items, np.zeros(N_ITEMS, int), ("image",))
    dataset = prepare(catalogue(relations=(same,)), config(max_entity_share=1.0))
    assert "modality" not in dataset.relation_names
    assert any("'modality' is degenerate: all 7 items" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("source", "names"),
    [("auto", ("given", "image")), ("triples", ("given",)), ("features", ("image",))],
)
def test_kg_source(source, names):
    given = Relation("given", np.arange(7), np.arange(7) % 2, ("even", "odd"))
    dataset = prepare(catalogue(relations=(given,), columns={}), config(kg_source=source))
    assert dataset.relation_names == names


def test_neighbours_by_features_are_made_when_asked_for():
    dataset = prepare(
        catalogue(columns={}), config(feature_neighbours=2, neighbours_min_weight=-1.0)
    )
    assert dataset.relation_names == ("image", "image neighbour")
    of_neighbours = dataset.triples[dataset.triples[:, 1] == 1]
    assert np.bincount(of_neighbours[:, 0]).tolist() == [2] * 7
    assert (dataset.entity_items[of_neighbours[:, 2]] != of_neighbours[:, 0]).all()


def test_a_data_set_prepared_again_is_itself(tmp_path):
    near = Relation("near", np.array([0, 1, 6]), np.array([1, 3, 0]), space=ITEMS)
    first = prepare(catalogue(relations=(near,)), config(), provenance={"source": "tables"})
    write_prepared(first, tmp_path / "first")
    stored = read_prepared(tmp_path / "first")
    again = prepare(catalogue_of(stored), config(min_entity_items=1))
    for split in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(again, split), getattr(first, split))
    for item in first.item_ids:
        assert words_of(again, item) == words_of(first, item)
    assert stored.provenance == {"source": "tables"}
    assert stored.fingerprint() == first.fingerprint()


def test_entities_of_one_name_stay_apart_when_a_data_set_is_prepared_again():
    """Words that two columns share stay one, and the tag of their name another."""
    words = 3 * ["red", "blue", "cup", "hat"]
    columns = {
        "title": tuple(f"{a} {b}" for a, b in zip(words[:N_ITEMS], words[1:], strict=False)),
        "description": tuple(f"{a} {b}" for a, b in zip(words[:N_ITEMS], words[2:], strict=False)),
        "tags": tuple(words[:N_ITEMS]),
    }
    options = config(keep_items="all", words_min_items=2)
    shop = catalogue(columns=columns, features={})
    first = prepare(shop, options, TableColumns(attribute_columns="tags"))
    again = prepare(catalogue_of(first), options)
    assert sorted(first.entity_names) == sorted(2 * words[:4])
    assert again.entity_names == first.entity_names
    assert again.fingerprint() == first.fingerprint()
    tag = Relation("tags", np.array([1]), np.array([0]), ("red",))
    more = prepare(catalogue_of(first).extended(relations=[tag]), options)
    assert more.entity_names == first.entity_names
    assert len(more.triples) == len(first.triples) + 1
    one = prepare(catalogue_of(first), config(keep_items="all", same_names="one"))
    assert sorted(one.entity_names) == sorted(words[:4])


def test_an_unknown_column_is_named():
    with pytest.raises(DataError, match="no column 'colour'; they have title, brand"):
        prepare(catalogue(), config(), TableColumns(attribute_columns="colour"))


def test_provenance_lists_only_what_was_chosen():
    chosen = described(config(k_core=5), TableColumns(user_column="who"))
    assert chosen["k_core"] == 5 and chosen["user_column"] == "who"
    assert "split" not in chosen and "item_column" not in chosen


def test_no_graph_at_all_is_for_training():
    with pytest.raises(ConfigError, match="leave it out in training"):
        prepare(catalogue(), config(kg_source="none"))


@pytest.mark.parametrize(
    ("options", "named"),
    [({"feature_neighbours": 3}, "feature_neighbours=3"), ({"kg_source": "features"}, "kg_source")],
)
def test_options_of_features_without_features(options, named):
    bare = catalogue(features={})
    with pytest.raises(ConfigError, match=f"--{named}.* has no effect: shop has no dense features"):
        prepare(bare, config(**options))
    given = Relation("given", np.arange(7), np.arange(7) % 2, ("even", "odd"))
    dataset = prepare(catalogue(features={}, relations=(given,)), config(kg_source="features"))
    assert dataset.relation_names == ("title", "brand")


def test_what_is_not_used_is_said():
    columns = {"title": (RED,) * N_ITEMS, "colour": ("red",) * N_ITEMS}
    given = Relation("image", np.arange(7), np.arange(7) % 2, ("even", "odd"))
    dataset = prepare(catalogue(columns=columns, relations=(given,)), config())
    assert any("not used: colour" in note for note in dataset.notes)
    assert any("'image' is given and stands in place of codes" in note for note in dataset.notes)


def test_a_modality_beside_neighbours_of_its_name_has_rows_and_no_codes():
    near = Relation("image", np.array([0, 1, 6]), np.array([1, 3, 0]), space=ITEMS)
    source = catalogue(columns={}, relations=(near,))
    source.features["image"][2:5] = 0
    dataset = prepare(source, config())
    assert dataset.relation_names == ("image",) and len(dataset.triples) == 3
    np.testing.assert_array_equal(dataset.features["image"], source.features["image"][:7])
    assert any("models that read features have their rows" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("changes", "columns", "said"),
    [
        ({}, {}, True),
        ({"kg_source": "triples"}, {}, False),
        ({}, {"text_columns": "none"}, False),
    ],
)
def test_a_modality_beside_a_column_of_its_name_is_said(changes, columns, said):
    source = catalogue(features={"title": catalogue().features["image"]})
    dataset = prepare(source, config(**changes), TableColumns(**columns))
    line = "relation 'title' holds the column and codes of the features 'title'"
    assert any(line in note for note in dataset.notes) == said


def test_a_relation_that_some_items_have_is_kept():
    some = Relation("sale", np.arange(4), np.zeros(4, int), ("on sale",))
    dataset = prepare(catalogue(relations=(some,), columns={}), config())
    assert ("sale", "on sale") in words_of(dataset, "p0")


def test_a_split_that_cannot_be_made_names_the_data_set():
    few = Interactions(np.array([0, 1], np.int32), np.array([0, 1], np.int32))
    with pytest.raises(DataError, match="^shop: no user has three interactions"):
        prepare(dataclasses.replace(catalogue(), interactions=few))
