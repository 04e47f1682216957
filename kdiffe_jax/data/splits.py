"""Interactions -> train, valid and test: given, shares per user, last two, two moments."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.rounded import rounded
from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.data.settings import SplitSettings
from kdiffe_jax.errors import ConfigError, DataError

FEWEST = 3  #: users with fewer interactions are all training
# 1973 in nanoseconds; in any coarser unit, later than the year 5000.
_LEAST_NANOSECONDS = 10**17


class Labels(NamedTuple):
    """int8[n] with 0 train, 1 valid, 2 test, one an interaction; and what was decided."""

    labels: np.ndarray
    notes: tuple[str, ...]


def split(interactions: Interactions, settings: SplitSettings, n_users: int) -> Labels:
    """Labels every interaction; rows and their order stay as they are.

    given: the source's labels. Without validation rows, `hold_out_one` makes them.
    ratio: for a user with n >= 3 interactions, n times the share is rounded, halves up;
      at least one is test, one valid and one train, and test is served before valid.
    leave_one_out: a user's last interaction is test, the one before is valid; of those of
      the same time the seed decides which is later.
    time: the same two moments for all. All rows of a moment are on one side of it, and
      the moments are those that come nearest to the shares and leave no split empty.

    In ratio and leave_one_out, users with fewer than three interactions are all train.
    Whatever is drawn depends on the seed and the numbers of users and items, not on the order
    of rows; `split_catalogue` draws by ids, since tables are numbered as their rows come.

    Args:
      interactions: without repeated pairs; see `clean`.
      n_users: number of users, all ids lie below it.

    Raises:
      ConfigError: a mode that needs a given split or times, and there are none; shares
        that leave nothing to train on, or that the mode has no use for.
      DataError: a given split without train; nothing that could be held out.
    """
    mode, notes = chosen_mode(interactions, settings)
    labels, note = _MODES[mode](interactions, settings, n_users)
    return Labels(labels, (*notes, f"{note}: {sizes_of(labels)}"))


def split_catalogue(catalogue: Catalogue, settings: SplitSettings) -> Labels:
    """`split` of a catalogue's interactions; whatever is drawn is drawn by ids and seed.

    Raises:
      ConfigError, DataError: as `split`.
    """
    return split(catalogue.interactions_by_id(), settings, catalogue.n_users)


def sizes_of(labels: np.ndarray) -> str:
    """How many interactions each split has, in words."""
    train, valid, test = np.bincount(labels, minlength=3).tolist()
    return f"{train:,} train, {valid:,} valid, {test:,} test"


def hold_out_one(
    users: np.ndarray, items: np.ndarray, *, seed: int, free: np.ndarray | None = None
) -> np.ndarray:
    """bool[n]: one interaction of every user with at least three, chosen by the seed.

    Args:
      users, items: int[n], without repeated pairs; their order does not matter.
      free: bool[n], those that may be chosen; all if omitted.

    >>> hold_out_one(np.array([4, 4, 4, 7]), np.array([0, 1, 2, 0]), seed=0).sum()
    np.int64(1)
    """
    shuffled = shuffled_pairs(users, items, seed)
    shuffled = shuffled if free is None else shuffled[free[shuffled]]
    present, first = np.unique(users[shuffled], return_index=True)
    held = np.zeros(len(users), bool)
    held[shuffled[first[np.bincount(users)[present] >= FEWEST]]] = True
    return held


def chosen_mode(rows: Interactions, settings: SplitSettings) -> tuple[str, tuple[str, ...]]:
    """The mode of split that is asked for, and what to say of it.

    Raises:
      ConfigError: as `split`.
    """
    mode, notes = settings.split, ()
    if mode == "auto" and rows.split is not None:
        mode = "given"
    elif mode == "auto":
        mode, notes = "ratio", ("the source gives no split: shares of each user's interactions",)
    elif mode != "given" and rows.split is not None:
        notes = (f"--split={mode}: the split of the source is not used",)
    _refuse_impossible(mode, rows, settings)
    return mode, notes


def _refuse_impossible(mode: str, rows: Interactions, settings: SplitSettings) -> None:
    if mode == "given" and rows.split is None:
        raise ConfigError("--split=given: the source gives no split; use ratio or another mode")
    if mode in ("leave_one_out", "time") and rows.times is None:
        raise ConfigError(f"--split={mode} needs times: name a time column, or use --split=ratio")
    for name in ("valid_share", "test_share"):
        share = getattr(settings, name)
        if mode in ("given", "leave_one_out") and share != getattr(SplitSettings, name):
            raise ConfigError(
                f"--{name}={share:g} has no effect with "
                f"{'the split that the source gives' if mode == 'given' else f'--split={mode}'}; "
                "leave it out, or use --split=ratio"
            )
    if mode in ("ratio", "time") and settings.valid_share + settings.test_share >= 1:
        raise ConfigError(
            f"--valid_share={settings.valid_share:g} and --test_share={settings.test_share:g} "
            "leave nothing to train on; their sum must be below 1"
        )


def _given(rows: Interactions, settings: SplitSettings, n_users: int):
    labels = rows.split.astype(np.int8)
    train = np.flatnonzero(labels == 0)
    if not len(train):
        raise DataError("the given split has no training interactions; use --split=ratio")
    if (labels == 1).any():
        return labels, "split as given"
    held = hold_out_one(rows.users[train], rows.items[train], seed=settings.split_seed)
    labels[train[held]] = 1
    return labels, (
        f"split as given, without validation: {held.sum():,} training interactions, at most "
        f"one a user, became it (seed {settings.split_seed})"
    )


def _ratio(rows: Interactions, settings: SplitSettings, n_users: int):
    shuffled = shuffled_pairs(rows.users, rows.items, settings.split_seed)
    by_user = shuffled[np.argsort(rows.users[shuffled], kind="stable")]
    counts = np.bincount(rows.users, minlength=n_users)
    test = np.clip(rounded(counts, settings.test_share), 1, counts - 2)
    valid = np.clip(rounded(counts, settings.valid_share), 1, counts - 1 - test)
    labels, few = _label_first(rows.users, by_user, counts, test, valid)
    return labels, f"split by shares per user, seed {settings.split_seed}{few}"


def _leave_one_out(rows: Interactions, settings: SplitSettings, n_users: int):
    drawn = np.empty(len(rows), np.int64)
    drawn[shuffled_pairs(rows.users, rows.items, settings.split_seed)] = np.arange(len(rows))
    latest_first = np.lexsort((drawn, rows.times, rows.users))[::-1]
    counts = np.bincount(rows.users, minlength=n_users)
    one = np.ones(n_users, np.int64)
    labels, few = _label_first(rows.users, latest_first, counts, one, one)
    tied = _drawn_users(rows.take(latest_first), labels[latest_first])
    ties = (
        f"; last interactions of {tied:,} users share a time, and seed {settings.split_seed} drew "
        "among them"
    )
    return labels, f"each user's last two held out{ties if tied else ''}{few}"


def _drawn_users(rows: Interactions, labels: np.ndarray) -> int:
    """Of how many users two neighbouring rows share a time but not a label."""
    same = (rows.users[1:] == rows.users[:-1]) & (rows.times[1:] == rows.times[:-1])
    return len(np.unique(rows.users[1:][same & (labels[1:] != labels[:-1])]))


def _time(rows: Interactions, settings: SplitSettings, n_users: int):
    moments, sizes = np.unique(rows.times, return_counts=True)
    if len(moments) < 3:
        raise DataError(
            f"--split=time: {len(moments)} distinct times among {len(rows):,} interactions; "
            "three are needed, one a split; use ratio"
        )
    before = np.cumsum(sizes) - sizes
    trained = 1 - settings.test_share - settings.valid_share
    last = len(moments) - 1
    test = np.clip(_nearest(before, len(rows) * (1 - settings.test_share)), 2, last)
    valid = np.clip(_nearest(before, len(rows) * trained), 1, test - 1)
    labels = (rows.times >= moments[valid]).astype(np.int8) + (rows.times >= moments[test])
    first, second = (_moment(moments[at], rows.time_scale) for at in (valid, test))
    note = f"split at the moments {first} and {second}"
    return labels.astype(np.int8), note + _only_later(rows, labels)


def _only_later(rows: Interactions, labels: np.ndarray) -> str:
    train = labels == 0
    unseen_users = len(np.setdiff1d(rows.users, rows.users[train]))
    unseen_items = len(np.setdiff1d(rows.items, rows.items[train]))
    if not (unseen_users or unseen_items):
        return ""
    said = f"; {unseen_users:,} users and {unseen_items:,} items occur only after training"
    known = np.isin(rows.users, rows.users[train])
    without = [n for n, of in (("validation", 1), ("test", 2)) if not known[labels == of].any()]
    if without:
        said += f"; no user of {' or of '.join(without)} has training interactions"
    return said


def shuffled_pairs(users: np.ndarray, items: np.ndarray, seed: int) -> np.ndarray:
    """int64[n]: row numbers in an order that depends on the pairs and the seed only."""
    pairs = users.astype(np.int64) * (int(items.max(initial=0)) + 1) + items
    sorted_rows = np.argsort(pairs, kind="stable")
    return sorted_rows[np.random.default_rng(seed).permutation(len(users))]


def _label_first(users, order, counts, test, valid) -> tuple[np.ndarray, str]:
    """The first `test` rows of each user in `order` are test, the next `valid` are valid."""
    enough = counts >= FEWEST
    if not enough.any():
        raise DataError(
            "no user has three interactions, so none can be held out; give a split, or times and "
            "--split=time"
        )
    test = np.where(enough, test, 0)
    held = test + np.where(enough, valid, 0)
    grouped = users[order]
    rank = position_in_group(grouped)
    labels = np.zeros(len(users), np.int8)
    labels[order] = (rank < held[grouped]).astype(np.int8) + (rank < test[grouped])
    few = np.count_nonzero(counts[counts > 0] < FEWEST)
    return labels, f"; {few:,} users with fewer than {FEWEST} are all train" if few else ""


def _nearest(before: np.ndarray, wanted: float) -> int:
    return int(np.argmin(np.abs(before - wanted)))


_MODES = {"given": _given, "ratio": _ratio, "leave_one_out": _leave_one_out, "time": _time}


def _moment(time: np.int64, scale: int) -> str:
    """A time as the source has it; numbers that can only be nanoseconds since 1970 as a date."""
    if scale > 1:
        return f"{Decimal(int(time)) / scale:f}"
    if abs(time) < _LEAST_NANOSECONDS:
        return str(time)
    return str(np.datetime64(int(time), "ns").astype("datetime64[s]"))
