"""A split after an earlier one: what was trained on is never held out, whatever else changes."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.errors import DataError

N_USERS, OLD, ITEMS = 9, 8, 12


def shop(pairs, *, users="abcdefghi", split=None, times=None):
    """A catalogue of (user letter, item number) pairs, its ids in the order of `users`."""
    items = sorted({item for _, item in pairs})
    rows = [(users.index(user), items.index(item)) for user, item in pairs]
    of_users, of_items = np.array(rows, np.int32).T
    split = None if split is None else np.array(split, np.int8)
    times = np.arange(len(pairs)) if times is None else np.array(times)
    interactions = Interactions(of_users, of_items, times=times, split=split)
    return Catalogue("shop", tuple(users), tuple(f"p{i}" for i in items), interactions)


def old_pairs(n_users=OLD):
    return [("abcdefghi"[user], (3 * user + k) % 10) for user in range(n_users) for k in range(6)]


def new_pairs():
    fresh = [("abcdefghi"[user], 10 + user % 2) for user in range(OLD)]
    return fresh + [("i", item) for item in (0, 3, 7, 11)]


def prepared(catalogue, mode, earlier=None, **settings):
    config = PrepareConfig.from_flat({"split": mode, **settings})
    return prepare(catalogue, config, earlier=earlier)


def pairs_of(dataset, *splits):
    """The interactions of some splits by the source's own ids."""
    rows = np.concatenate([getattr(dataset, split) for split in splits])
    return {(dataset.user_ids[u], dataset.item_ids[i]) for u, i in rows.tolist()}


def refusal(*arguments, **settings) -> str:
    with pytest.raises(DataError) as caught:
        prepared(*arguments, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def earlier():
    return prepared(shop(old_pairs(), users="abcdefgh"), "ratio")


@pytest.mark.parametrize("mode", ["auto", "ratio", "time", "leave_one_out"])
def test_what_was_trained_on_stays_training(mode, earlier):
    later = prepared(shop(new_pairs() + old_pairs(), users="ihgfedcba"), mode, earlier)
    assert pairs_of(earlier, "train") <= pairs_of(later, "train")
    assert len(pairs_of(later, *SPLITS)) == len(old_pairs()) + len(new_pairs())
    assert all(len(getattr(later, split)) for split in SPLITS)
    assert later.provenance["earlier"] == earlier.fingerprint()


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_two_catalogues(data):
    """Pairs come and go, users are numbered otherwise, and rows stand in any order."""
    pair = st.tuples(st.sampled_from("abcdefghi"), st.integers(0, ITEMS - 1))
    old = data.draw(st.lists(pair, min_size=8, unique=True)) + [("a", 20 + k) for k in range(3)]
    kept = [one for one in old if data.draw(st.booleans()) or one[0] == "a"]
    added = data.draw(st.lists(pair.filter(lambda one: one not in old), unique=True))
    rows = data.draw(st.permutations(kept + added))
    users = "".join(data.draw(st.permutations("abcdefghi")))
    before = prepared(shop(old), "ratio")
    after = prepared(shop(rows, users=users), "ratio", before)
    here = {(user, f"p{item}") for user, item in rows}
    for split in SPLITS:
        assert pairs_of(before, split) & here <= pairs_of(after, split)
    new = {(user, f"p{item}") for user, item in added}
    held = [len(new & pairs_of(after, split)) for split in ("valid", "test")]
    expected = max(1, int(0.1 * len(new) + 0.5)) if len(new) >= 3 else 0
    assert held == [expected, expected]


def test_shares_of_what_is_new(earlier):
    more = [("abcdefgh"[user], 30 + item) for user in range(OLD) for item in range(5)]
    later = prepared(
        shop(old_pairs() + more), "ratio", earlier, valid_share=0.2, test_share=0.1, split_seed=3
    )
    new = {(user, f"p{item}") for user, item in more}
    assert [len(new & pairs_of(later, split)) for split in SPLITS] == [28, 8, 4]
    other = prepared(shop(old_pairs() + more), "ratio", earlier, split_seed=4)
    assert new & pairs_of(other, "test") != new & pairs_of(later, "test")
    assert (
        "the earlier split is kept; of 40 new interactions, by shares, seed 3, 8 became valid and "
        "4 test: 60 train, 16 valid, 12 test"
    ) in later.notes


def test_the_order_of_rows_does_not_matter(earlier):
    rows = old_pairs() + new_pairs()
    users = dict.fromkeys(user for user, _ in rows)
    last_first = prepared(shop(rows[::-1], users=[*users][::-1]), "ratio", earlier)
    first, second = prepared(shop(rows), "ratio", earlier), last_first
    assert all(pairs_of(first, split) == pairs_of(second, split) for split in SPLITS)


def test_nothing_new_is_the_earlier_split(earlier):
    again = prepared(shop(old_pairs()[::-1], users="hgfedcba"), "ratio", earlier, split_seed=8)
    assert all(pairs_of(again, split) == pairs_of(earlier, split) for split in SPLITS)


def test_two_new_interactions_are_training(earlier):
    later = prepared(shop([*old_pairs(), ("a", 30), ("b", 31)]), "ratio", earlier)
    assert pairs_of(later, "train") - pairs_of(earlier, "train") == {("a", "p30"), ("b", "p31")}


def test_what_goes_back_is_counted(earlier):
    pairs = old_pairs() + new_pairs()
    plain = prepared(shop(pairs), "leave_one_out")
    later = prepared(shop(pairs), "leave_one_out", earlier)
    back = pairs_of(earlier, "train") & pairs_of(plain, "valid", "test")
    assert back and pairs_of(later, "train") == pairs_of(plain, "train") | back
    assert f"{len(back)} held out of these are of the earlier training" in later.notes[-1]


def test_what_is_gone_is_counted(earlier):
    left = [(user, item) for user, item in old_pairs() if user != "h" and item != 9]
    new = [(user, item) for user, item in new_pairs() if user != "h"]
    later = prepared(shop(left + new), "ratio", earlier)
    gone = len(old_pairs()) - len(left)
    assert any(
        f"no longer there: 1 users, 1 items, {gone} interactions" in note for note in later.notes
    )


def test_a_time_split_with_nothing_new_holds_nothing_out():
    rows = shop(old_pairs())
    earlier = prepared(rows, "time", valid_share=0.1, test_share=0.1)
    later = prepared(rows, "time", earlier, valid_share=0.1, test_share=0.1)
    assert pairs_of(later, "test") == pairs_of(earlier, "test")
    both = sorted_unique(np.concatenate([earlier.train, earlier.valid]))
    trained = dataclasses.replace(earlier, train=both, valid=earlier.valid[:0])
    assert "everything that --split=time holds out for validation" in refusal(rows, "time", trained)


def test_a_given_split_is_kept_or_refused():
    labels = [1, 0, 0, 0, 0, 2]
    rows = shop(old_pairs(), split=labels * OLD)
    earlier = prepared(rows, "given")
    more = shop(old_pairs() + new_pairs(), split=labels * OLD + [1] * OLD + [0, 0, 1, 2])
    later = prepared(more, "auto", earlier)
    assert len(later.valid) == 2 * OLD + 1 and len(later.test) == OLD + 1
    moved = shop(old_pairs() + new_pairs(), split=[0, 1] + labels[2:] + labels * 7 + [0] * 12)
    said = refusal(moved, "given", earlier)
    assert "holds out 1 interactions" in said and "user 'a', item 'p1'" in said
    assert "--split=ratio" in said
    assert pairs_of(earlier, "train") <= pairs_of(prepared(moved, "ratio", earlier), "train")


def test_a_given_split_without_validation_makes_it_of_what_was_not_trained_on():
    labels = [0, 0, 0, 0, 0, 2]
    earlier = prepared(shop(old_pairs(), split=labels * OLD), "given")
    again = prepared(shop(old_pairs(), split=labels * OLD), "given", earlier, split_seed=5)
    assert pairs_of(again, "valid") == pairs_of(earlier, "valid")
    more = shop(old_pairs() + new_pairs(), split=labels * OLD + [0] * 12)
    later = prepared(more, "given", earlier)
    assert len(later.valid) == N_USERS and not pairs_of(later, "valid") & pairs_of(earlier, "train")


def test_data_with_nothing_in_common_are_refused(earlier):
    others = dataclasses.replace(earlier, user_ids=tuple("ABCDEFGH"))
    assert "has no user in common with the earlier data set shop" in refusal(
        shop(old_pairs()), "ratio", others
    )
    others = dataclasses.replace(earlier, item_ids=tuple(f"q{i}" for i in range(earlier.n_items)))
    assert "has no item in common" in refusal(shop(old_pairs()), "ratio", others)
