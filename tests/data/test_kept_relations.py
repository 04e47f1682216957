"""Relations after the filters: one account of each name, and what is one entity."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.kept_relations import as_one_space, kept_relations
from kdiffe_jax.data.relation import ITEMS, Relation, join_relations, united
from kdiffe_jax.data.settings import FilterSettings
from kdiffe_jax.errors import ConfigError

N_ITEMS = 6
BRAND = Relation("brand", np.arange(4), np.array([0, 0, 1, 1]), ("Acme", "Bic"))
TO_ITEMS = Relation("sequel", np.array([0]), np.array([1]), space=ITEMS)
TO_OTHERS = Relation("sequel", np.array([2, 3]), np.array([0, 1]), ("x", "y"), note="sequel: ready")


def account(*relations, **filters):
    log = []
    kept, notes = kept_relations(relations, FilterSettings(), filters, N_ITEMS, log=log.append)
    return [(one.name, len(one.items)) for one in kept], notes, log


def test_a_relation_of_two_parts_is_told_of_once():
    assert account(TO_OTHERS, TO_ITEMS, BRAND) == (
        [("sequel", 1), ("brand", 4)],
        [
            "sequel: its part with entities that are no items has no triples left (sequel: ready; "
            "dropped entities of fewer than 2 items (2)); triples left: 1"
        ],
        ["relation sequel", "relation brand"],
    )


def test_a_relation_of_which_nothing_is_left():
    assert account(TO_OTHERS)[:2] == (
        [],
        [
            "relation 'sequel' has no triples left (sequel: ready; dropped entities of fewer than "
            "2 items (2)); dropped"
        ],
    )


def test_a_relation_that_is_not_wanted_is_dropped_whole():
    kept, notes, _ = account(TO_OTHERS, TO_ITEMS, BRAND, sequel=None)
    assert kept == [("brand", 4)] and notes == ["relation 'sequel' dropped, as asked for"]


def test_limits_count_all_parts_of_a_relation():
    """Each part alone has one item of Solo, and too many of Big."""
    halves = [
        Relation("brand", np.arange(3) + 3 * half, np.array([0, 1, 1]), ("Solo", "Big"))
        for half in range(2)
    ]
    limits = FilterSettings(min_entity_items=2, max_entity_share=0.5)
    (kept,), notes = kept_relations(halves, limits, {}, N_ITEMS)
    assert [kept.entity_names[e] for e in kept.entities] == ["Solo", "Solo"]
    assert kept.items.tolist() == [0, 3]
    assert notes == ["brand: dropped entities of more than 50% of the items (1)"]


def test_parts_of_a_relation_are_one_and_say_what_each_said():
    weighed = [
        dataclasses.replace(
            TO_OTHERS, weights=np.array([0.5, strength]), note=f"sequel: {strength}"
        )
        for strength in (0.25, 0.75)
    ]
    both, near, plain = united([weighed[0], TO_ITEMS, weighed[1], BRAND])
    assert (near, plain) == (TO_ITEMS, BRAND)
    assert both.items.tolist() == [2, 3, 2, 3] and both.entities.tolist() == [0, 1, 0, 1]
    assert both.weights.tolist() == [0.5, 0.25, 0.5, 0.75] and both.note == "sequel: 0.25; 0.75"
    assert united([weighed[0], TO_OTHERS])[0].weights is None
    assert united([weighed[0], TO_OTHERS], by_weights=True) == [weighed[0], TO_OTHERS]


@pytest.mark.parametrize("spaces", [("", "entities"), ("entities", ""), ("entities", "words")])
def test_an_entity_of_one_name_is_one_in_a_relation_of_two_spaces(spaces):
    brand = [dataclasses.replace(BRAND, space=space) for space in spaces]
    maker = dataclasses.replace(BRAND, name="maker", space="entities")
    joined = join_relations(united([*brand, maker]), ())
    assert joined.entity_names == ("Acme", "Bic")
    assert len(joined.triples) == 2 * len(BRAND.items)


def test_two_entities_of_one_name_in_a_part_stay_two_wherever_it_stands():
    two = dataclasses.replace(
        BRAND, entity_names=("Acme", "Acme"), entity_keys=("Acme", ("Acme", 1)), space="entities"
    )
    other = Relation(BRAND.name, np.array([0]), np.array([0]), ("Acme",))
    for parts in ([two, other], [other, two], [two, other, two]):
        (one,) = united(parts)
        assert one.entity_names == ("Acme", "Acme") and one.keys == ("Acme", ("Acme", 1))


def test_a_filter_for_no_relation():
    with pytest.raises(ConfigError, match="relation 'colour': there is no such; there are brand"):
        account(BRAND, colour=None)


@pytest.mark.parametrize(
    ("same_names", "spaces", "entities"),
    [("source", ("", "words"), 3), ("one", ("words", "words"), 1), ("two", ("words", "words"), 3)],
)
def test_entities_of_one_name_in_two_relations(same_names, spaces, entities):
    first, second = (
        Relation(name, np.arange(2), np.zeros(2, int), ("Acme",), space=space)
        for name, space in zip(("brand", "maker"), spaces, strict=True)
    )
    near = Relation("near", np.array([0]), np.array([1]), space=ITEMS)
    joined = join_relations(as_one_space([first, second, near], same_names), ["Acme", "Acme"])
    assert len(joined.entity_names) == entities + (same_names == "one")
    assert joined.entity_items[-1] == 1
