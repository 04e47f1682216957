"""Filters: which links and entities go, which stay, and what is said of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.data.content.filters import filter_entities, strongest_links, unique_links
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.settings import FilterSettings

OPEN = dict(min_entity_items=1, max_entity_share=1.0, entities_per_item=0)


def relation(pairs, weights=None, space="", note="brand: read"):
    table = np.array(pairs, np.int32).reshape(-1, 2)
    names = () if space == ITEMS else tuple("abcdefgh")
    weights = None if weights is None else np.array(weights, np.float32)
    return Relation("brand", *table.T, names, weights, space, note)


def pairs(found) -> list[tuple[int, int]]:
    return list(zip(found.items.tolist(), found.entities.tolist(), strict=True))


def filtered(given_relation, n_items=8, **limits):
    return filter_entities(given_relation, FilterSettings(**(OPEN | limits)), n_items)


WEIGHTED = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(0, 3)), max_size=25)
LIMITS = st.builds(
    FilterSettings,
    min_entity_items=st.integers(1, 3),
    max_entity_share=st.sampled_from((0.3, 0.5, 1.0)),
    entities_per_item=st.integers(0, 3),
)


@st.composite
def relations(draw):
    rows = draw(WEIGHTED)
    weights = [row[2] for row in rows] if draw(st.booleans()) else None
    return relation([row[:2] for row in rows], weights, draw(st.sampled_from(("", ITEMS))))


def test_a_repeated_link_counts_once_with_its_largest_weight():
    found = unique_links(relation([(1, 0), (0, 2), (1, 0), (1, 1), (1, 0)], [1, 5, 3, 2, 2]))
    assert pairs(found) == [(0, 2), (1, 0), (1, 1)]
    assert found.weights.tolist() == [5, 3, 2]


@given(relations())
def test_unique_links_by_hand(given_relation):
    best = {}
    weights = np.zeros(len(given_relation.items))
    if given_relation.weights is not None:
        weights = given_relation.weights
    for pair, weight in zip(pairs(given_relation), weights.tolist(), strict=True):
        best[pair] = max(weight, best.get(pair, weight))
    found = unique_links(given_relation)
    assert sorted(pairs(found)) == sorted(best)
    if found.weights is not None:
        assert dict(zip(pairs(found), found.weights.tolist(), strict=True)) == best


def test_strongest_links_come_by_weight():
    found = strongest_links(relation([(0, 0), (1, 0), (0, 1), (0, 2)], [1, 1, 3, 2]), 2)
    assert pairs(found) == [(1, 0), (0, 1), (0, 2)]


@pytest.mark.parametrize("weights", (None, [1] * 7))
def test_equal_links_come_by_rarity_then_index(weights):
    given_relation = relation([(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (2, 0)], weights)
    assert pairs(strongest_links(given_relation, 1)) == [(0, 2), (1, 1), (2, 0)]
    assert pairs(strongest_links(given_relation, 3))[:3] == [(0, 1), (0, 2), (0, 3)]


@given(relations(), st.integers(1, 4))
def test_every_item_keeps_its_strongest(given_relation, most):
    found = strongest_links(given_relation, most)
    for item in range(6):
        mine = given_relation.items == item
        kept = found.items == item
        assert kept.sum() == min(most, mine.sum())
        if found.weights is not None:
            best = sorted(given_relation.weights[mine].tolist(), reverse=True)[:most]
            assert sorted(found.weights[kept].tolist(), reverse=True) == best


def test_rare_entities_go():
    found = filtered(relation([(0, 0), (1, 0), (2, 1), (2, 0), (3, 2), (3, 3)]), min_entity_items=2)
    assert pairs(found) == [(0, 0), (1, 0), (2, 0)]
    assert found.note == "brand: read; dropped entities of fewer than 2 items (3)"


def test_repeated_links_do_not_make_an_entity_frequent():
    found = filtered(relation([(0, 0), (0, 0)]), min_entity_items=2)
    assert len(found.items) == 0
    assert "repeated links (1), entities of fewer than 2 items (1)" in found.note


def test_common_entities_go_by_their_share_of_all_items():
    links = [(item, 0) for item in range(4)] + [(4, 1), (7, 1)]
    assert pairs(filtered(relation(links), 6, max_entity_share=0.5)) == [(4, 1), (7, 1)]
    assert len(filtered(relation(links), 6, max_entity_share=0.67).items) == 6
    assert len(filtered(relation(links), 8, max_entity_share=0.5).items) == 6
    note = filtered(relation(links), 6, max_entity_share=0.5).note
    assert note == "brand: read; dropped entities of more than 50% of the items (1)"


def test_the_largest_share_itself_is_kept():
    links = [(item, int(item >= 29)) for item in range(100)]
    assert len(filtered(relation(links), 100, max_entity_share=0.29).items) == 29


def test_links_beyond_the_cap_go_and_what_the_cap_makes_rare():
    links = [(0, 0), (0, 1), (1, 0), (2, 1), (3, 2)]
    found = filtered(relation(links, [3, 1, 1, 1, 1]), min_entity_items=2, entities_per_item=1)
    assert pairs(found) == [(0, 0), (1, 0)] and found.weights.tolist() == [3, 1]
    assert found.note == (
        "brand: read; dropped links beyond 1 of an item (1), entities of fewer than 2 items (2)"
    )


def test_entities_that_are_items_are_exempt_from_the_bounds():
    links = [(0, 3), (1, 3), (2, 3), (2, 1)]
    strict = dict(min_entity_items=2, max_entity_share=0.1)
    found = filtered(relation(links, space=ITEMS), **strict)
    assert pairs(found) == links and found.note == "brand: read"
    found = filtered(relation(links, space=ITEMS), entities_per_item=1, **strict)
    assert pairs(found) == [(0, 3), (1, 3), (2, 1)]


def test_a_relation_without_a_note_gets_one():
    found = filtered(relation([(0, 0)], note=""), min_entity_items=2)
    assert found.note == "brand: dropped entities of fewer than 2 items (1)"


def test_names_and_order_stay():
    links = [(3, 1), (0, 1), (3, 0), (1, 2), (2, 1)]
    found = filtered(relation(links), min_entity_items=2)
    assert pairs(found) == [(3, 1), (0, 1), (2, 1)]
    assert found.entity_names == tuple("abcdefgh")


@given(relations(), LIMITS)
def test_what_is_left_keeps_all_bounds(given_relation, limits):
    found = filter_entities(given_relation, limits, 8)
    assert set(pairs(found)) <= set(pairs(given_relation))
    assert len(set(pairs(found))) == len(found.items)
    if limits.entities_per_item and len(found.items):
        assert np.bincount(found.items).max() <= limits.entities_per_item
    if not found.links_items and len(found.items):
        frequency = np.bincount(found.entities)
        assert frequency[frequency > 0].min() >= limits.min_entity_items
        assert frequency.max() <= limits.max_entity_share * 8


@given(relations(), LIMITS)
def test_a_second_time_drops_nothing(given_relation, limits):
    found = filter_entities(given_relation, limits, 8)
    again = filter_entities(found, limits, 8)
    assert pairs(again) == pairs(found) and again.note == found.note


@given(relations(), LIMITS, st.permutations(range(6)))
def test_permuted_items_keep_the_same_entities(given_relation, limits, order):
    if given_relation.links_items:
        return
    moved = Relation(
        "brand",
        np.array(order, np.int32)[given_relation.items],
        given_relation.entities,
        given_relation.entity_names,
        given_relation.weights,
    )
    expected = {(order[i], e) for i, e in pairs(filter_entities(given_relation, limits, 8))}
    assert set(pairs(filter_entities(moved, limits, 8))) == expected


def test_an_empty_relation():
    limits = dict(min_entity_items=2, max_entity_share=0.5, entities_per_item=1)
    assert pairs(filtered(relation([]), **limits)) == []
    assert pairs(filtered(relation([], []), **limits)) == []
