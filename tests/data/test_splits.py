"""Each way to divide interactions keeps its promises, whatever the order of the rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.rounded import rounded
from kdiffe_jax.data.settings import SplitSettings
from kdiffe_jax.data.splits import hold_out_one, split, split_catalogue
from kdiffe_jax.errors import ConfigError, DataError

N_USERS = 6


@st.composite
def logs(draw):
    """Distinct pairs of at most six users, with distinct times, in any order."""
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, N_USERS - 1), st.integers(0, 30)), min_size=3, unique=True
        )
    )
    users, items = np.array(pairs, np.int32).T
    times = np.array(draw(st.permutations(range(len(pairs)))), np.int64) * 7 - 40
    return Interactions(users, items, times=times)


def counts_of(rows, labels, label=None):
    users = rows.users if label is None else rows.users[labels == label]
    return np.bincount(users, minlength=N_USERS)


def divide(rows, mode, **settings):
    return split(rows, SplitSettings(split=mode, **settings), N_USERS)


def of(pairs, **columns):
    users, items = np.array(pairs, np.int32).T
    return Interactions(users, items, **columns)


def line(user, n):
    return [(user, item) for item in range(n)]


def label_by_pair(rows, labels):
    return dict(
        zip(
            zip(rows.users.tolist(), rows.items.tolist(), strict=True), labels.tolist(), strict=True
        )
    )


def refusal(rows, mode, error=DataError, **settings) -> str:
    with pytest.raises(error) as caught:
        divide(rows, mode, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@hypothesis_settings(max_examples=60, deadline=None)
@given(logs(), st.floats(0.01, 0.49), st.floats(0.01, 0.49), st.integers(0, 3))
def test_shares_per_user(rows, valid_share, test_share, seed):
    counts = counts_of(rows, None)
    assume(counts.max() >= 3)
    shares = dict(valid_share=valid_share, test_share=test_share, split_seed=seed)
    labels, _ = divide(rows, "ratio", **shares)
    assert labels.dtype == np.int8 and set(labels.tolist()) == {0, 1, 2}
    assert np.array_equal(labels, divide(rows, "ratio", **shares).labels)
    train, valid, test = (counts_of(rows, labels, label) for label in range(3))
    assert (train[counts > 0] >= 1).all()
    few = counts < 3
    assert not valid[few].any() and not test[few].any()
    assert (valid[~few] >= 1).all() and (test[~few] >= 1).all()
    room, half = counts - 2, 0.5 + 1e-9
    assert (test[~few] <= np.maximum(1, counts * test_share + half)[~few]).all()
    assert (test[~few] >= np.minimum(room, counts * test_share - half)[~few]).all()
    assert (valid[~few] <= np.maximum(1, counts * valid_share + half)[~few]).all()


def test_shares_are_rounded_halves_up():
    rows = of([*line(0, 10), *line(1, 15), *line(2, 25), *line(3, 4)])
    labels, notes = divide(rows, "ratio", valid_share=0.2, test_share=0.1)
    assert counts_of(rows, labels, 2)[:4].tolist() == [1, 2, 3, 1]
    assert counts_of(rows, labels, 1)[:4].tolist() == [2, 3, 5, 1]
    assert notes == ("split by shares per user, seed 0: 36 train, 11 valid, 7 test",)


@pytest.mark.parametrize(
    ("count", "share", "nearest"), [(50, 0.29, 15), (45, 0.7, 32), (90, 0.35, 32), (49, 0.29, 14)]
)
def test_halves_are_those_of_the_share_as_it_is_written(count, share, nearest):
    labels, _ = divide(of(line(0, count)), "ratio", valid_share=0.1, test_share=share)
    assert counts_of(of(line(0, count)), labels, 2)[0] == nearest


@pytest.mark.parametrize("share", (0.05, 0.1, 0.15, 0.2, 0.25, 0.3))
def test_usual_shares_are_what_binary_numbers_make_of_them(share):
    counts = np.arange(20_000)
    assert np.array_equal(rounded(counts, share), np.floor(counts * share + 0.5))


def test_large_shares_serve_test_first_and_leave_one_to_train():
    rows = of(line(0, 4))
    labels, _ = divide(rows, "ratio", valid_share=0.49, test_share=0.49)
    assert np.bincount(labels).tolist() == [1, 1, 2]


def test_the_seed_decides_and_the_choice_is_even():
    rows = of([pair for user in range(N_USERS) for pair in line(user, 200)])
    first = divide(rows, "ratio", split_seed=1).labels
    assert not np.array_equal(first, divide(rows, "ratio", split_seed=2).labels)
    assert abs(rows.items[first == 2].mean() - 99.5) < 12


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    logs(), st.randoms(), st.sampled_from(["ratio", "leave_one_out", "time"]), st.integers(1, 20)
)
def test_the_order_of_rows_does_not_matter(rows, random, mode, grain):
    assume(mode == "time" or counts_of(rows, None).max() >= 3)
    order = list(range(len(rows)))
    random.shuffle(order)
    rows = dataclasses.replace(rows, times=rows.times // grain)
    assume(mode != "time" or len(np.unique(rows.times)) >= 3)
    labels = divide(rows, mode).labels
    shuffled = rows.take(np.array(order))
    assert label_by_pair(rows, labels) == label_by_pair(shuffled, divide(shuffled, mode).labels)


@hypothesis_settings(max_examples=60, deadline=None)
@given(logs())
def test_leave_one_out_takes_the_last_two(rows):
    assume(counts_of(rows, None).max() >= 3)
    labels, _ = divide(rows, "leave_one_out")
    for user in range(N_USERS):
        mine = labels[rows.users == user][np.argsort(rows.times[rows.users == user])].tolist()
        assert mine == ([0] * (len(mine) - 2) + [1, 2] if len(mine) >= 3 else [0] * len(mine))


def test_among_equal_times_the_seed_draws():
    pairs = [pair for user in range(N_USERS) for pair in line(user, 30)]
    days = np.array([item // 10 for _, item in pairs])
    rows = of(pairs, times=days)
    labels, notes = divide(rows, "leave_one_out", split_seed=3)
    assert (days[labels > 0] == 2).all() and counts_of(rows, labels, 2).tolist() == [1] * N_USERS
    assert "last interactions of 6 users share a time, and seed 3 drew among them" in notes[0]
    assert len(set(rows.items[labels == 2].tolist())) > 1
    assert not np.array_equal(labels, divide(rows, "leave_one_out", split_seed=4).labels)


def test_only_ties_that_matter_are_counted():
    """A tie between two of training, or within one label, leaves nothing open."""
    times = np.array([1, 1, 2, 3, 1, 2, 2, 7, 7, 7])
    rows = of([*line(0, 4), *line(1, 3), *line(2, 1), *line(3, 2)], times=times)
    labels, notes = divide(rows, "leave_one_out")
    assert labels[:4].tolist() == [0, 0, 1, 2] and labels[4] == 0
    assert "last interactions of 1 users share a time" in notes[0]
    assert "share a time" not in divide(rows.take(np.arange(4)), "leave_one_out").notes[0]


@pytest.mark.parametrize("mode", ["ratio", "leave_one_out", "given"])
def test_what_is_held_out_is_drawn_by_ids_not_by_their_numbers(rng, mode):
    """A file in another order has other numbers, and the same items are held out."""
    rows = [(f"u{user}", f"i{item}") for user in range(20) for item in range(7)]
    tested = np.array([2 if item == "i3" else 0 for _, item in rows], np.int8)
    found = []
    for order in (np.arange(len(rows)), rng.permutation(len(rows))):
        users, items = zip(*(rows[row] for row in order.tolist()), strict=True)
        ids = tuple(dict.fromkeys(users)), tuple(dict.fromkeys(items))
        pairs = [(ids[0].index(u), ids[1].index(i)) for u, i in zip(users, items, strict=True)]
        columns = {"times": np.zeros(len(rows), np.int64), "split": tested[order]}
        if mode != "given":
            del columns["split"]
        shop = Catalogue("shop", *ids, of(pairs, **columns))
        labels = split_catalogue(shop, SplitSettings(split=mode)).labels.tolist()
        found.append(dict(zip(zip(users, items, strict=True), labels, strict=True)))
    assert found[0] == found[1] and {0, 1, 2} == set(found[0].values())


@pytest.mark.parametrize("option", ["valid_share", "test_share"])
def test_shares_that_a_mode_has_no_use_for_are_refused(option):
    given_split = of(line(0, 3), split=np.array([0, 1, 2], np.int8))
    message = refusal(given_split, "auto", ConfigError, **{option: 0.3})
    assert f"--{option}=0.3 has no effect with the split that the source gives" in message
    timed = of(line(0, 3), times=np.arange(3))
    message = refusal(timed, "leave_one_out", ConfigError, **{option: 0.3})
    assert f"--{option}=0.3 has no effect with --split=leave_one_out" in message


@hypothesis_settings(max_examples=60, deadline=None)
@given(logs(), st.floats(0.01, 0.49), st.floats(0.01, 0.49), st.integers(1, 9))
def test_two_moments_part_all_users(rows, valid_share, test_share, grain):
    times = rows.times // grain
    assume(len(np.unique(times)) >= 3)
    rows = Interactions(rows.users, rows.items, times=times)
    labels, _ = divide(rows, "time", valid_share=valid_share, test_share=test_share)
    assert set(labels.tolist()) == {0, 1, 2}
    assert (np.diff(labels[np.argsort(times)]) >= 0).all()
    assert all(len(set(labels[times == moment].tolist())) == 1 for moment in times)


def test_moments_come_nearest_to_the_shares():
    rows = of(line(0, 10), times=np.arange(10))
    assert divide(rows, "time").labels.tolist() == [0] * 8 + [1, 2]
    tied = of(line(0, 10), times=np.array([0, 0, 0, 0, 0, 0, 1, 2, 2, 2]))
    assert divide(tied, "time").labels.tolist() == [0] * 6 + [1] + [2] * 3
    tied = of(line(0, 10), times=np.array([0, 1, 2, 2, 2, 2, 2, 2, 2, 3]))
    assert divide(tied, "time", valid_share=0.7).labels.tolist() == [0, 0] + [1] * 7 + [2]


def test_moments_are_told_as_the_source_has_them():
    times = np.array([0, 1_600_000_904_500_000, 1_600_000_905_000_000])
    (note,) = divide(of(line(0, 3), times=times, time_scale=10**6), "time").notes
    assert note.startswith("split at the moments 1600000904.5 and 1600000905;")


def test_what_occurs_only_later_is_counted():
    rows = of([(0, 0), (0, 1), (1, 0), (2, 9), (5, 0)], times=np.array([1, 2, 3, 4, 5]))
    _, notes = divide(rows, "time", valid_share=0.2, test_share=0.2)
    assert notes == (
        "split at the moments 4 and 5; 2 users and 1 items occur only after training; "
        "no user of validation or of test has training interactions: 3 train, 1 valid, 1 test",
    )


def test_a_given_split_is_kept():
    rows = of(line(0, 4), split=np.array([2, 0, 1, 0], np.int8))
    for mode in ("auto", "given"):
        labels, notes = divide(rows, mode)
        assert labels.tolist() == [2, 0, 1, 0]
        assert notes == ("split as given: 2 train, 1 valid, 1 test",)


def test_a_given_split_without_validation_gets_one_a_user():
    pairs = [*line(0, 5), *line(1, 2), *line(2, 3), (2, 9)]
    given_split = np.array([0] * 10 + [2], np.int8)
    labels, notes = divide(of(pairs, split=given_split), "given", split_seed=3)
    assert np.bincount(of(pairs).users[labels == 1], minlength=3).tolist() == [1, 0, 1]
    assert labels[10] == 2 and given_split[:10].max() == 0
    assert notes == (
        "split as given, without validation: 2 training interactions, at most one a user, "
        "became it (seed 3): 8 train, 2 valid, 1 test",
    )


def test_one_held_out_follows_the_pairs_not_the_rows(rng):
    pairs = np.array([pair for user in range(40) for pair in line(user, user % 7)])
    held = hold_out_one(*pairs.T, seed=5)
    order = rng.permutation(len(pairs))
    assert np.array_equal(hold_out_one(*pairs[order].T, seed=5), held[order])
    per_user = np.bincount(pairs[held, 0], minlength=40)
    assert per_user.tolist() == [int(user % 7 >= 3) for user in range(40)]
    assert not np.array_equal(hold_out_one(*pairs.T, seed=6), held)


def test_nothing_is_held_out_of_two_interactions():
    pairs = np.array([(0, 0), (0, 1), (4, 0), (4, 1), (4, 2)])
    held = hold_out_one(*pairs.T, seed=0)
    assert pairs[held, 0].tolist() == [4]


def test_auto_says_that_it_divides():
    labels, notes = divide(of(line(0, 10)), "auto")
    assert np.bincount(labels).tolist() == [8, 1, 1]
    assert notes[0] == "the source gives no split: shares of each user's interactions"


def test_another_mode_says_that_the_given_split_is_not_used():
    rows = of(line(0, 10), split=np.zeros(10, np.int8))
    assert divide(rows, "ratio").notes[0] == ("--split=ratio: the split of the source is not used")


def test_what_cannot_be_divided_is_refused():
    rows = of(line(0, 10))
    assert "the source gives no split" in refusal(rows, "given", ConfigError)
    assert "--split=time needs times: name a time column" in refusal(rows, "time", ConfigError)
    assert "--split=leave_one_out needs" in refusal(rows, "leave_one_out", ConfigError)
    shares = dict(valid_share=0.5, test_share=0.5)
    assert "leave nothing to train on" in refusal(rows, "auto", ConfigError, **shares)
    timed = of(line(0, 10), times=np.arange(10) // 5)
    assert "2 distinct times among 10" in refusal(timed, "time")
    assert "no user has three" in refusal(of([*line(0, 2), *line(1, 2)]), "ratio")
    no_train = of(line(0, 2), split=np.array([1, 2], np.int8))
    assert "no training interactions" in refusal(no_train, "auto")
