"""Relations after the filters: one account of each name, and what is one entity."""

import numpy as np
import pytest

from kdiffe_jax.data.kept_relations import as_one_space, kept_relations
from kdiffe_jax.data.relation import ITEMS, Relation, join_relations
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
