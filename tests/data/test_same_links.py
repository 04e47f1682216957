"""Which kinds of nearest items are one."""

import numpy as np
import pytest

from kdiffe_jax.data.relation import Relation
from kdiffe_jax.data.same_links import Alike, alike_relations, merged_where_same


def kind(name, items, entities):
    return Relation(name, np.array(items, np.int32), np.array(entities, np.int32))


def test_kinds_that_overlap_less_stay_apart():
    first = kind("first", range(20), range(1, 21))
    assert len(merged_where_same([first, kind("half", range(10), range(1, 11))], 30)) == 2
    assert len(merged_where_same([first, kind("other", range(20), range(2, 22))], 30)) == 2


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_nearly_the_same_is_the_same(missing):
    first = kind("first", range(20), range(1, 21))
    (one,) = merged_where_same(
        [first, kind("near", range(missing, 20), range(1 + missing, 21))], 30
    )
    assert one.name == "first" and one.items.tolist() == list(range(20))


def test_a_third_may_join_and_order_stays():
    a, b = kind("a", [0, 1], [1, 2]), kind("b", [3, 4], [4, 5])
    found = merged_where_same([a, b, kind("c", [1, 2], [0, 1]), kind("d", [4, 3], [5, 4])], 6)
    assert [one.name for one in found] == ["a", "b"]
    assert sorted(zip(found[0].items.tolist(), found[0].entities.tolist(), strict=True)) == [
        (0, 1), (1, 0), (1, 2), (2, 1),
    ]  # fmt: skip


def triples_of(*relations):
    rows = [(item, number, e) for number, links in enumerate(relations) for item, e in links]
    return np.array(rows, np.int32)


CHAIN = [(i, i + 1) for i in range(6)]
BACK = [(i + 1, i) for i in range(6)]


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ((CHAIN, CHAIN), [Alike(0, 1, 1.0, False)]),
        ((CHAIN, BACK), [Alike(0, 1, 1.0, True)]),
        ((CHAIN, CHAIN[:5]), []),
        ((CHAIN[:4], CHAIN[:4]), []),
        ((CHAIN + BACK, BACK + CHAIN, []), [Alike(0, 1, 1.0, False)]),
    ],
)
def test_relations_between_items_that_are_alike(links, expected):
    names = [f"p{i}" for i in range(7)]
    assert alike_relations(triples_of(*links), len(links), np.arange(7), names) == expected


def test_entities_are_the_same_by_their_names():
    brand, maker = [(i, i % 2) for i in range(6)], [(i, 2 + i % 2) for i in range(6)]
    other = [(i, 4 + i % 2) for i in range(6)]
    names = ["Acme", "Bic", "Acme", "Bic", "Acme", "Cup"]
    nothing = np.full(6, -1)
    found = alike_relations(triples_of(brand, maker, other), 3, nothing, names)
    assert found == [Alike(0, 1, 1.0, False)]


def test_an_entity_of_an_items_number_is_not_that_item():
    entities = [(i, i) for i in range(6)]
    of_items = np.array([*[-1] * 6, *range(6)])
    links = triples_of(entities, [(i, 6 + i) for i in range(6)])
    assert alike_relations(links, 2, of_items, list("abcdefabcdef")) == []
