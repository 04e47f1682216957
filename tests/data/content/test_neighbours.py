"""Items to items: exact neighbours by cosine, given ones capped, similarities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kdiffe_jax.data.content import dense
from kdiffe_jax.data.content.neighbours import (
    cap_neighbours,
    feature_neighbours,
    similarity_relation,
)
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.settings import NeighbourSettings
from kdiffe_jax.errors import DataError


def table(relation) -> list[tuple[int, int, float]]:
    weights = [None] * len(relation.items) if relation.weights is None else relation.weights
    return [
        (item, entity, None if weight is None else round(float(weight), 5))
        for item, entity, weight in zip(
            relation.items.tolist(), relation.entities.tolist(), weights, strict=True
        )
    ]


def by_hand(features, k) -> dict[int, list[float]]:
    """The k largest cosines of each row with the others, largest first."""
    rows = features.astype(np.float64)
    found = {}
    for item, row in enumerate(rows):
        if not row.any():
            continue
        others = [j for j, other in enumerate(rows) if j != item and other.any()]
        cosines = [row @ rows[j] / np.linalg.norm(row) / np.linalg.norm(rows[j]) for j in others]
        found[item] = sorted(cosines, reverse=True)[:k]
    return found


def given_links(links, weighted=True):
    columns = np.array(links, float).reshape(-1, 3).T
    weights = columns[2].astype(np.float32) if weighted else None
    heads, tails = columns[:2].astype(np.int32)
    return Relation("near", heads, tails, weights=weights, space=ITEMS, note="near: read")


FEATURES = st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=1, max_size=9).map(np.array)


@settings(max_examples=100, deadline=None)
@given(FEATURES, st.integers(1, 10))
def test_neighbours_are_those_of_largest_cosine(features, k):
    relation = feature_neighbours("image", features, k)
    expected = by_hand(features, k)
    for item in range(len(features)):
        mine = relation.items == item
        weights = np.sort(relation.weights[mine])[::-1]
        np.testing.assert_allclose(weights, expected.get(item, []), atol=2e-6)
        assert item not in relation.entities[mine]
        assert len(set(relation.entities[mine].tolist())) == mine.sum()
    norms = np.linalg.norm(features, axis=1)
    true = (features[relation.items] * features[relation.entities]).sum(axis=1) / (
        norms[relation.items] * norms[relation.entities]
    )
    np.testing.assert_allclose(relation.weights, true, atol=2e-6)


def test_relation_is_typed_nearest_first_and_says_what_it_did():
    features = np.array([[1, 0], [0, 0], [1, 1], [0, 3], [9, 1]], np.float16)
    relation = feature_neighbours("image", features, 2)
    assert [row[:2] for row in table(relation)] == [
        *((0, 4), (0, 2), (2, 4), (2, 0), (3, 2), (3, 4), (4, 0), (4, 2)),
    ]
    assert relation.links_items and relation.entity_names == ()
    assert relation.items.dtype == relation.entities.dtype == np.int32
    assert relation.weights.dtype == np.float32
    assert relation.note == ("image: 2 nearest items by cosine for 4 items; 1 items have no image")


def test_of_equal_cosines_the_lower_item_is_nearer():
    features = np.ones((6, 3)) * np.arange(1, 7)[:, None] / 7
    relation = feature_neighbours("image", features, 2)
    assert [row[:2] for row in table(relation)] == [
        *((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)),
        *((3, 0), (3, 1), (4, 0), (4, 1), (5, 0), (5, 1)),
    ]


def test_blocks_make_no_difference(monkeypatch, rng):
    features = rng.normal(size=(40, 5))
    features[7] = 0
    whole = feature_neighbours("image", features, 4)
    monkeypatch.setattr(dense, "BLOCK_NUMBERS", 120)
    parts = feature_neighbours("image", features, 4)
    assert whole.items.tolist() == parts.items.tolist()
    assert whole.entities.tolist() == parts.entities.tolist()
    np.testing.assert_allclose(whole.weights, parts.weights, atol=2e-6)


def test_permuted_items_have_the_same_neighbours(rng):
    features, order = rng.normal(size=(30, 4)), rng.permutation(30)
    plain = feature_neighbours("image", features, 3)
    moved = feature_neighbours("image", features[order], 3)
    back = {(order[i], order[j]) for i, j, _ in table(moved)}
    assert back == {row[:2] for row in table(plain)}


def test_size_of_a_row_makes_no_difference(rng):
    features = rng.normal(size=(20, 4))
    sizes = 10.0 ** rng.uniform(-200, 200, size=(20, 1))
    plain = feature_neighbours("image", features, 3)
    assert table(feature_neighbours("image", features * sizes, 3)) == table(plain)


def test_standardised_columns_weigh_the_same():
    features = np.array([[1e4, 0], [1e4 + 1, 1], [1e4, 1], [1e4 + 1, 0.0]])
    flat = feature_neighbours("image", features, 1)
    assert flat.weights.min() > 0.999
    telling = feature_neighbours("image", features, 3, standardised=True)
    assert telling.weights.min() == -1.0
    same = feature_neighbours("image", features * [3, 1] + [0, 5], 3, standardised=True)
    assert table(telling) == table(same)


def test_standardised_constant_features_relate_nothing():
    relation = feature_neighbours("image", np.ones((4, 2)), 2, standardised=True)
    assert len(relation.items) == 0 and "for 0 items; 4 items have no image" in relation.note


@pytest.mark.parametrize(
    "features", (np.zeros((0, 3)), np.zeros((3, 2)), np.array([[0.0], [2.0], [0.0]]))
)
@pytest.mark.parametrize("standardised", (False, True))
def test_fewer_than_two_items_with_features(features, standardised):
    relation = feature_neighbours("image", features, 2, standardised=standardised)
    assert len(relation.items) == len(relation.entities) == len(relation.weights) == 0


def refusal(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_features_are_refused():
    features = np.ones((3, 2))
    features[1, 1] = np.nan
    assert "image, row 1: a NaN" in refusal(feature_neighbours, "image", features, 1)


def test_cap_keeps_the_strongest_above_the_smallest_weight():
    links = [(0, 1, 0.2), (0, 2, 0.9), (0, 0, 1), (0, 3, 0.5), (1, 0, 0.1), (0, 2, 0.3)]
    limits = NeighbourSettings(neighbours_per_item=2, neighbours_min_weight=0.15)
    found = cap_neighbours(given_links(links), limits)
    assert table(found) == [(0, 2, 0.9), (0, 3, 0.5)]
    assert found.note == (
        "near: read; 2 of 6 links between items kept; 1 weigh less than 0.15 "
        "(--neighbours_min_weight)"
    )
    assert found.links_items and found.name == "near"


def test_the_smallest_weight_itself_is_kept():
    limits = NeighbourSettings(neighbours_min_weight=0.5)
    assert table(cap_neighbours(given_links([(0, 1, 0.5), (0, 2, 0.25)]), limits)) == [(0, 1, 0.5)]


def test_without_weights_the_first_named_are_kept():
    links = [(0, 5, 0), (1, 4, 0), (0, 5, 0), (0, 1, 0), (0, 0, 0), (0, 3, 0)]
    limits = NeighbourSettings(neighbours_per_item=2, neighbours_min_weight=0.9)
    found = cap_neighbours(given_links(links, weighted=False), limits)
    assert [row[:2] for row in table(found)] == [(0, 5), (1, 4), (0, 1)]
    assert found.weights is None


def test_cap_says_nothing_where_nothing_goes():
    found = cap_neighbours(given_links([(1, 0, 0.3), (0, 1, 0.2)]), NeighbourSettings())
    assert table(found) == [(1, 0, 0.3), (0, 1, 0.2)] and found.note == "near: read"


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-2, 5)), max_size=20),
    st.booleans(),
    st.integers(1, 3),
)
def test_cap_a_second_time_drops_nothing(links, weighted, most):
    limits = NeighbourSettings(neighbours_per_item=most)
    found = cap_neighbours(given_links(links, weighted), limits)
    again = cap_neighbours(found, limits)
    assert table(again) == table(found) and again.note == found.note
    assert all(i != j for i, j, _ in table(found))
    assert not len(found.items) or np.bincount(found.items).max() <= most


@pytest.mark.parametrize(
    "kind", (sparse.coo_array, sparse.csr_array, sparse.csc_matrix, sparse.lil_array)
)
def test_similarity_without_diagonal_and_zeros(kind):
    dense_form = np.array([[1, 0.5, 0], [0.25, 1, 0], [0, -0.75, 0]])
    found = similarity_relation("walks", kind(dense_form))
    assert table(found) == [(0, 1, 0.5), (1, 0, 0.25), (2, 1, -0.75)]
    assert found.links_items and found.items.dtype == found.entities.dtype == np.int32
    assert found.weights.dtype == np.float32
    assert found.note == "walks: similarity of 3 of 3 items"


def test_similarity_sums_repeated_entries_and_leaves_its_input_alone():
    entries = ([1.0, 2.0, 0.0, 3.0, -3.0], ([1, 1, 0, 0, 0], [0, 0, 1, 2, 2]))
    matrix = sparse.coo_array(entries, shape=(3, 3))
    assert table(similarity_relation("walks", matrix)) == [(1, 0, 3.0)]
    assert matrix.data.tolist() == entries[0]


def test_similarity_of_integers_and_of_nothing():
    assert table(similarity_relation("walks", sparse.csr_array([[0, 2], [0, 0]]))) == [(0, 1, 2.0)]
    assert table(similarity_relation("walks", sparse.csr_array((4, 4)))) == []


@pytest.mark.parametrize("shape", ((2, 3), (3, 2)))
def test_similarity_of_another_shape(shape):
    message = refusal(similarity_relation, "walks", sparse.csr_array(shape))
    assert f"walks: a similarity of shape {shape}" in message


@pytest.mark.parametrize("value", (np.nan, np.inf))
def test_similarity_that_is_no_number(value):
    matrix = sparse.csr_array([[0, 1.0], [value, 0]])
    assert "walks, row 1: a NaN or infinite" in refusal(similarity_relation, "walks", matrix)
