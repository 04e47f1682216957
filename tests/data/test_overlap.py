"""Pairs in two parts of a given split: counted once each, and resolved where asked for."""

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.clean import clean
from kdiffe_jax.data.overlap import overlapping_pairs
from kdiffe_jax.data.settings import InteractionSettings
from kdiffe_jax.errors import ConfigError, DataError

# (0, 0) is in train twice and in test twice, (1, 1) in all three parts, (2, 1) in one.
USERS = np.array([0, 0, 0, 0, 1, 1, 1, 2], np.int32)
ITEMS = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
SPLIT = np.array([2, 0, 0, 2, 1, 0, 2, 1], np.int8)
SHOP = Catalogue("shop", ("a", "b", "c"), ("x", "y"), Interactions(USERS, ITEMS, split=SPLIT))


def test_pairs_are_counted_not_rows():
    assert overlapping_pairs(SHOP) == 2
    with pytest.raises(DataError) as caught:
        clean(SHOP, InteractionSettings())
    assert "are one pair in train and test, as are 1 more pairs; remove it" in str(caught.value)
    assert str(caught.value).endswith("or choose --overlap=earlier or later")


@pytest.mark.parametrize(("which", "parts"), [("earlier", [0, 0, 1]), ("later", [2, 2, 1])])
def test_the_part_that_keeps_a_pair(which, parts):
    cleaned = clean(SHOP, InteractionSettings(overlap=which))
    rows = cleaned.interactions
    assert sorted(zip(rows.users, rows.items, rows.split, strict=True)) == [
        (user, item, part)
        for (user, item), part in zip([(0, 0), (1, 1), (2, 1)], parts, strict=True)
    ]
    assert any(
        f"2 pairs in two parts of the split, of which overlap={which}" in n for n in cleaned.notes
    )


def test_without_a_split_nothing_overlaps_and_a_choice_is_refused():
    rows = Interactions(USERS, ITEMS)
    bare = Catalogue("shop", SHOP.user_ids, SHOP.item_ids, rows)
    assert overlapping_pairs(bare) == 0
    assert len(clean(bare, InteractionSettings()).interactions) == 3
    with pytest.raises(ConfigError, match="overlap=later has no effect: the source gives no"):
        clean(bare, InteractionSettings(overlap="later"))
