"""What a `Dataset` refuses, what its fingerprint sees, and its statistics by hand."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.relation import Relation, join_relations
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import DataError

TINY = Dataset(
    name="tiny",
    n_users=3,
    n_items=5,
    n_entities=2,
    train=np.array([[0, 0], [0, 1], [1, 1]], np.int32),
    valid=np.array([[1, 0]], np.int32),
    test=np.array([[0, 2], [1, 4], [2, 1]], np.int32),
    triples=np.array([[0, 0, 0], [0, 1, 1], [3, 0, 1]], np.int32),
    relation_names=("brand", "word"),
)


def test_statistics_by_hand():
    assert TINY.statistics() == {
        "users": 3,
        "items": 5,
        "train": 3,
        "valid": 1,
        "test": 3,
        "density": 3 / 15,
        "entities": 2,
        "relations": 2,
        "triples": 3,
        "items_without_triples": 3,
        "items_unseen_in_training": 3,
        "test_interactions_with_unseen_items": 2,
        "users_without_training": 1,
    }


@pytest.mark.parametrize(
    ("field", "rows", "expected"),
    [
        ("train", [[0, 0], [3, 0]], "train, row 1: user 3 is outside 0..2"),
        ("valid", [[0, 5]], "valid, row 0: item 5 is outside 0..4"),
        ("test", [[-1, 0]], "test, row 0: user -1"),
        ("triples", [[5, 0, 0]], "triples, row 0: item 5 is outside 0..4"),
        ("triples", [[0, 2, 0]], "relation 2 is outside 0..1"),
        ("triples", [[0, 0, 2]], "entity 2 is outside 0..1"),
        ("train", [[0, 0, 0]], "train: shape (1, 3)"),
        ("train", [0, 1], "train: shape (2,)"),
        ("train", [[0.0, 1.0]], "float64"),
        ("triples", [[0, 0]], "triples: shape (1, 2)"),
    ],
)
def test_bad_rows_are_named(field, rows, expected):
    with pytest.raises(DataError) as caught:
        dataclasses.replace(TINY, **{field: np.array(rows)})
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_training_interactions_are_needed():
    with pytest.raises(DataError, match="tiny: there are no training interactions"):
        dataclasses.replace(TINY, train=np.zeros((0, 2), np.int32))


@pytest.mark.parametrize("split", ("valid", "test"))
def test_splits_may_be_empty(split):
    empty = dataclasses.replace(TINY, **{split: np.zeros((0, 2), np.int32)})
    assert empty.statistics()[split] == 0


@pytest.mark.parametrize("names", (("one",), ("one", "two", "three")))
def test_entity_names_must_match(names):
    with pytest.raises(DataError, match=f"{len(names)} entity names for 2 entities"):
        dataclasses.replace(TINY, entity_names=names)


@pytest.mark.parametrize("shape", ((4, 2), (6, 2), (5,), (5, 2, 1)))
def test_features_need_one_row_an_item(shape):
    with pytest.raises(DataError, match="feature text has shape"):
        dataclasses.replace(TINY, features={"text": np.zeros(shape)})


@pytest.mark.parametrize(
    ("splits", "first", "second"),
    [
        ({"valid": [[0, 1], [1, 1]]}, "train", "valid"),
        ({"test": [[0, 1], [1, 1]]}, "train", "test"),
        ({"valid": [[1, 0], [2, 3]], "test": [[2, 3]]}, "valid", "test"),
    ],
)
def test_overlap_is_refused(splits, first, second):
    with pytest.raises(DataError, match=f"both {first} and {second}"):
        dataclasses.replace(TINY, **{name: np.array(rows) for name, rows in splits.items()})


def test_pairs_with_equal_products_do_not_overlap():
    apart = dataclasses.replace(TINY, n_items=7, valid=np.array([[2, 0]]), test=np.array([[1, 5]]))
    assert len(apart.pair_codes(apart.valid)) == 1


def test_pair_codes_do_not_overflow():
    large = dataclasses.replace(TINY, n_users=100_000, n_items=100_000)
    assert large.pair_codes(np.array([[99_999, 99_999]], np.int32)).tolist() == [10**10 - 1]


@pytest.mark.parametrize(
    "change",
    [
        {"n_users": 4},
        {"n_items": 6},
        {"n_entities": 3},
        {"relation_names": ("brand", "mark")},
        {"train": TINY.train[:2]},
        {"valid": np.array([[2, 0]])},
        {"test": TINY.test[1:]},
        {"triples": TINY.triples[1:]},
        {"triples": np.array([[0, 0, 0], [0, 1, 1], [3, 1, 1]])},
        {"train": sorted_unique(np.concatenate([TINY.train, TINY.valid])), "valid": TINY.valid[:0]},
        {"valid": TINY.valid[:0], "test": np.array([[0, 2], [1, 0], [1, 4], [2, 1]])},
    ],
    ids=lambda change: "+".join(change),
)
def test_fingerprint_sees(change):
    assert dataclasses.replace(TINY, **change).fingerprint() != TINY.fingerprint()


def test_fingerprint_sees_features():
    first, second = (
        dataclasses.replace(TINY, features={"text": np.full((5, 2), value)}).fingerprint()
        for value in (0.0, 1.0)
    )
    assert first != second


@pytest.mark.parametrize("change", [{"name": "x"}, {"notes": ("x",)}, {"entity_names": ("a", "b")}])
def test_fingerprint_ignores(change):
    assert dataclasses.replace(TINY, **change).fingerprint() == TINY.fingerprint()


def test_fingerprint_ignores_integer_width_and_memory_order():
    wide = np.asfortranarray(TINY.train.astype(np.int64))
    assert dataclasses.replace(TINY, train=wide).fingerprint() == TINY.fingerprint()


def test_with_knowledge_replaces_the_graph_and_says_so():
    planted = dataclasses.replace(TINY, relevant=np.ones(3, bool), notes=("first",))
    colour = Relation("r", np.array([4, 1, 4]), np.array([1, 0, 1]), ("a", "b"))
    new = planted.with_knowledge(join_relations([colour], ()), "why")
    assert new.triples.tolist() == [[1, 0, 0], [4, 0, 1]]
    assert (new.n_relations, new.n_entities, new.relevant) == (1, 2, None)
    assert new.notes == ("first", "why")
    assert planted.triples is TINY.triples


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"user_ids": ("a", "b")}, "2 user ids for 3 users"),
        ({"item_ids": ("a",)}, "1 item ids for 5 items"),
        ({"item_names": ("a",) * 6}, "6 item names for 5 items"),
        ({"item_pictures": ("a",)}, "1 item pictures for 5 items"),
        ({"user_ids": ("a", "b", "a")}, "user ids: 'a' stands there twice"),
        ({"entity_items": np.array([-1, 5])}, "entity 1 is item 5, outside 0..4"),
        ({"entity_items": np.array([-2, 0])}, "entity 0 is item -2"),
        ({"entity_items": np.array([-1])}, "shape (1,) for 2 entities"),
    ],
)
def test_names_that_do_not_fit(change, expected):
    with pytest.raises(DataError) as caught:
        dataclasses.replace(TINY, **change)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("what", "row"), [("train", 1), ("test", 2), ("triples", 1)])
def test_rows_out_of_order_and_twice_are_refused(what, row):
    """Lists of what users have seen would lack some, and negatives would be interactions."""
    rows = getattr(TINY, what)
    twice = np.concatenate([rows[:row], rows[row - 1 :]])
    for wrong in (rows[::-1], twice):
        with pytest.raises(DataError, match=f"{what}, row [0-9]: rows are sorted, each once"):
            dataclasses.replace(TINY, **{what: wrong})


def test_numbers_stand_in_for_names():
    assert TINY.users_by_name() == ("0", "1", "2")
    assert TINY.items_of_entities().tolist() == [-1, -1]
    named = dataclasses.replace(TINY, item_ids=tuple("vwxyz"))
    assert named.items_by_name() == tuple("vwxyz")


def test_fingerprint_sees_which_entities_are_items():
    linked = dataclasses.replace(TINY, entity_items=np.array([-1, 4], np.int32))
    assert linked.fingerprint() != TINY.fingerprint()


def test_sorted_unique_of_nothing_keeps_the_columns():
    assert sorted_unique(np.zeros((0, 3), np.int64)).shape == (0, 3)


def test_sorted_unique_equals_a_set():
    rows = np.random.default_rng(0).integers(0, 4, (60, 3))
    assert sorted_unique(rows).tolist() == sorted(map(list, {tuple(row) for row in rows.tolist()}))


@pytest.mark.parametrize("largest", (3, 2**31 - 1))
@pytest.mark.parametrize("columns", (1, 2, 3))
def test_sorted_unique_of_small_and_large_ids(rng, largest, columns):
    rows = rng.integers(0, 4, (200, columns)) * (largest // 3)
    rows = np.concatenate([rows, np.full((1, columns), largest)])
    expected = sorted(map(list, {tuple(row) for row in rows.tolist()}))
    found = sorted_unique(rows)
    assert found.tolist() == expected and found.dtype == np.int32 and found.flags.c_contiguous
    assert sorted_unique(found).tolist() == expected
