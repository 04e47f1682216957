"""Which kinds of nearest items are one."""

import numpy as np
import pytest

from kdiffe_jax.data.relation import Relation
from kdiffe_jax.data.same_links import merged_where_same


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
