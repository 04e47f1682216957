"""A split that follows an earlier one: what a model was trained on is never held out."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.known_ids import renumbered
from kdiffe_jax.data.rounded import rounded
from kdiffe_jax.data.settings import SplitSettings
from kdiffe_jax.data.splits import (
    FEWEST,
    Labels,
    chosen_mode,
    hold_out_one,
    shuffled_pairs,
    sizes_of,
    split_catalogue,
)
from kdiffe_jax.data.tables.ids import positions
from kdiffe_jax.errors import DataError


def split_after(catalogue: Catalogue, settings: SplitSettings, earlier: Dataset) -> Labels:
    """Labels every interaction as `split` does, but those of the earlier training are training.

    Users and items are the same where their ids are.

    time, leave_one_out: split anew; what the earlier data set trained on and would be held out
      goes back to training.
    given: the source's labels, refused where they hold out what was trained on. Without
      validation rows, `hold_out_one` makes them of what was not.
    ratio: what the earlier data set has stays in its split. The new interactions, of all users
      together, are divided by the shares, halves rounded up; of three or more at least one is
      test, one valid and one train, fewer are train.

    Args:
      catalogue: cleaned; see `clean`.
      settings: how to split.
      earlier: the data set that the earlier run was trained on.

    Raises:
      ConfigError: as `split`.
      DataError: as `split`; no user or no item in common; training that is held out.
    """
    before, said = _labels_before(catalogue, earlier)
    mode, notes = chosen_mode(catalogue.interactions, settings)
    if mode == "ratio":
        labels, note = _ratio(catalogue.interactions_by_id(), settings, before)
    elif mode == "given":
        labels, note = _given(catalogue, settings, before)
    else:
        labels, note = _anew(catalogue, settings, before, mode)
    return Labels(labels, (*notes, said, f"{note}: {sizes_of(labels)}"))


def _labels_before(catalogue: Catalogue, earlier: Dataset) -> tuple[np.ndarray, str]:
    """int8[n], the earlier label of every interaction, -1 of a new one; and what to say of it."""
    rows = catalogue.interactions
    users = positions(earlier.users_by_name(), catalogue.user_ids)
    items = positions(earlier.items_by_name(), catalogue.item_ids)
    for what, found in {"user": users, "item": items}.items():
        if not (found >= 0).any():
            raise DataError(
                f"has no {what} in common with the earlier data set {earlier.name}; give "
                "--earlier the data set that the earlier run was trained on, with the same ids"
            )
    codes = rows.users.astype(np.int64) * catalogue.n_items + rows.items
    before, total = np.full(len(rows), -1, np.int8), 0
    for label, name in enumerate(SPLITS):
        pairs = getattr(earlier, name)
        here = renumbered(pairs, users, items)
        before[np.isin(codes, here[:, 0] * catalogue.n_items + here[:, 1])] = label
        total += len(pairs)
    known = int(np.count_nonzero(before >= 0))
    note = f"split after {earlier.name}: {known:,} of its interactions, {len(rows) - known:,} new"
    gone = {
        "users": np.count_nonzero(users < 0),
        "items": np.count_nonzero(items < 0),
        "interactions": total - known,
    }
    if any(gone.values()):
        note += "; no longer there: " + ", ".join(f"{n:,} {what}" for what, n in gone.items())
    return before, note


def _ratio(rows: Interactions, settings: SplitSettings, before: np.ndarray):
    labels, new = np.maximum(before, 0), np.flatnonzero(before < 0)
    order = new[shuffled_pairs(rows.users[new], rows.items[new], settings.split_seed)]
    n, test, valid = len(new), 0, 0
    if n >= FEWEST:
        test = int(np.clip(rounded(n, settings.test_share), 1, n - 2))
        valid = int(np.clip(rounded(n, settings.valid_share), 1, n - 1 - test))
    labels[order[:test]] = 2
    labels[order[test : test + valid]] = 1
    return labels, (
        f"the earlier split is kept; of {n:,} new interactions, by shares, seed "
        f"{settings.split_seed}, {valid:,} became valid and {test:,} test"
    )


def _given(catalogue: Catalogue, settings: SplitSettings, before: np.ndarray):
    rows, note = catalogue.interactions, "split as given"
    labels, source = split_catalogue(catalogue, settings).labels, np.asarray(rows.split)
    if not (source == 1).any():
        labels, train = source.astype(np.int8), np.flatnonzero(source == 0)
        free, by_id = before[train] != 0, catalogue.interactions_by_id()
        of = by_id.users[train], by_id.items[train]
        held = hold_out_one(*of, seed=settings.split_seed, free=free)
        labels[train[held]] = 1
        note += (
            f", without validation: {held.sum():,} training interactions that are not of the "
            f"earlier training, at most one a user, became it (seed {settings.split_seed})"
        )
    trained = np.flatnonzero((before == 0) & (labels > 0))
    if len(trained):
        user, item = rows.users[trained[0]], rows.items[trained[0]]
        raise DataError(
            f"the given split holds out {len(trained):,} interactions that the earlier data set "
            f"trained on, the first is user {catalogue.user_ids[user]!r}, item "
            f"{catalogue.item_ids[item]!r}; move them to training, or take --split=ratio, which "
            "leaves them there"
        )
    return labels, note


def _anew(catalogue: Catalogue, settings: SplitSettings, before: np.ndarray, mode: str):
    labels, (*_, note) = split_catalogue(catalogue, settings)
    labels = labels.copy()
    back = (before == 0) & (labels > 0)
    labels[back] = 0
    for label, name in ((1, "validation"), (2, "test")):
        if not (labels == label).any():
            raise DataError(
                f"everything that --split={mode} holds out for {name} is of the earlier training; "
                "prepare more new interactions, or take --split=ratio"
            )
    return labels, (
        f"{note}; {np.count_nonzero(back):,} held out of these are of the earlier training and "
        "went back to it"
    )
