"""Which interactions, users and items of a `Catalogue` count."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.overlap import in_one_part, overlapping_pairs, pairs_of_rows
from kdiffe_jax.data.settings import InteractionSettings
from kdiffe_jax.errors import ConfigError, DataError


def clean(
    catalogue: Catalogue, settings: InteractionSettings, *, labelled: bool = False
) -> Catalogue:
    """Drops low ratings, repeats and what is outside the k-core; each with a note.

    Where ratings are labels, 0 and 1 alone, those of 0 are no interactions. Interactions
    keep their order. The k-core is counted over all splits, and it drops interactions:
    with `keep_items = "all"` an item stays though its interactions went. Users without
    interactions go. Where the source gives the split and there is no
    k-core, users and items stay as they are, so that their numbers do.

    Args:
      catalogue: repeated (user, item) pairs are allowed.
      labelled: whether the ratings of an earlier data set were labels, of which 0 did not count;
        then nothing below 1 does.

    Raises:
      DataError: nothing is left, and by which step; a pair in two splits; a repeated
        pair where `duplicates` is "refuse".
    """
    if not len(catalogue.interactions):
        raise DataError(f"{catalogue.name}: the source has no interactions")
    numbers = np.arange(len(catalogue.interactions))
    if catalogue.interactions.ratings is not None:
        least, low = _least_rating(catalogue.interactions.ratings, settings.min_rating, labelled)
        rated = ~(catalogue.interactions.ratings < least)
        catalogue = _keep(catalogue, rated, low)
        catalogue = catalogue.extended(notes=[_rating_line(catalogue.interactions.ratings)])
        numbers = numbers[rated]
    elif settings.min_rating != InteractionSettings.min_rating:
        raise ConfigError(
            f"--min_rating={settings.min_rating:g} has no effect: {catalogue.name} has no ratings; "
            "name their column by --rating_column, or leave it out"
        )
    numbers, catalogue = _without_overlap(catalogue, numbers, settings.overlap)
    counted = _counted_pairs(catalogue, numbers, settings.duplicates)
    catalogue = _keep(catalogue, counted, f"repeated pairs, duplicates={settings.duplicates}")
    if settings.k_core:
        rows = catalogue.interactions
        inside = k_core(rows.users, rows.items, settings.k_core)
        catalogue = _keep(catalogue, inside, f"outside k_core={settings.k_core}")
    if catalogue.interactions.split is not None and not settings.k_core:
        return catalogue
    return _drop_unused(catalogue, items_too=settings.keep_items == "interacted")


def k_core(users: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """The largest set of interactions in which every user and every item has at least k.

    Args:
      users, items: int[n], one entry an interaction.

    Returns:
      bool[n].

    >>> k_core(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]), 2).tolist()
    [True, True, True, True, False]
    """
    inside = np.zeros(len(users), bool)
    numbers = np.arange(len(users))
    while True:
        keep = (np.bincount(users) >= k)[users] & (np.bincount(items) >= k)[items]
        if keep.all():
            inside[numbers] = True
            return inside
        users, items, numbers = users[keep], items[keep], numbers[keep]


def _keep(catalogue: Catalogue, mask: np.ndarray, what: str) -> Catalogue:
    """The interactions in the mask; a note says how many went for which reason."""
    left, total = int(mask.sum()), len(mask)
    if not left:
        raise DataError(
            f"{catalogue.name}: no interaction is left: all {total:,} are {what}; ask for less"
        )
    if left == total:
        return catalogue
    note = f"{what}: {total - left:,} of {total:,} interactions dropped, {left:,} left"
    return catalogue.extended(interactions=catalogue.interactions.take(mask), notes=[note])


def _without_overlap(
    catalogue: Catalogue, numbers: np.ndarray, which: str
) -> tuple[np.ndarray, Catalogue]:
    """Each pair in one part of the given split; the rows of the source, and the catalogue."""
    if which != InteractionSettings.overlap and catalogue.interactions.split is None:
        raise ConfigError(
            f"--overlap={which} has no effect: the source gives no split; leave it out"
        )
    pairs = overlapping_pairs(catalogue) if which != "refuse" else 0
    if not pairs:
        return numbers, catalogue
    kept = in_one_part(catalogue, which)
    what = f"{pairs:,} pairs in two parts of the split, of which overlap={which} keeps one"
    return numbers[kept], _keep(catalogue, kept, what)


def _counted_pairs(catalogue: Catalogue, numbers: np.ndarray, which: str) -> np.ndarray:
    """bool[n]: one interaction of every pair; `numbers` are the rows of the source."""
    rows = catalogue.interactions
    pairs = pairs_of_rows(rows, catalogue.n_items)
    ordered = np.sort(pairs)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.ones(len(rows), bool)
    if rows.times is None:
        order = np.argsort(pairs, kind="stable")
    else:
        order = np.lexsort((rows.times, pairs))
    again = pairs[order[1:]] == pairs[order[:-1]]
    _refuse_two_splits(catalogue, order, again, numbers)
    if which == "refuse":
        first, second = _in_words(catalogue, order, int(np.argmax(again)), numbers)
        raise DataError(f"{first} stands again in {second}; keep one, or use --duplicates=first")
    edge = [[True], ~again] if which == "first" else [~again, [True]]
    counted = np.zeros(len(rows), bool)
    counted[order[np.concatenate(edge)]] = True
    return counted


def _refuse_two_splits(catalogue: Catalogue, order, again, numbers) -> None:
    if catalogue.interactions.split is None:
        return
    split = catalogue.interactions.split[order]
    apart = again & (split[1:] != split[:-1])
    if apart.any():
        place = int(np.argmax(apart))
        first, second = _in_words(catalogue, order, place, numbers)
        splits = sorted(split[place : place + 2].tolist())
        others = overlapping_pairs(catalogue) - 1
        raise DataError(
            f"{first} and {second} are one pair in {SPLITS[splits[0]]} and "
            f"{SPLITS[splits[1]]}{f', as are {others:,} more pairs' if others else ''}; remove it "
            "from one of the two, or choose --overlap=earlier or later"
        )


def _in_words(catalogue: Catalogue, order, place: int, numbers) -> tuple[str, str]:
    """Two equal pairs that are neighbours in `order`, by the rows and names of the source."""
    row = order[place]
    user = catalogue.user_ids[catalogue.interactions.users[row]]
    item = catalogue.item_ids[catalogue.interactions.items[row]]
    first, second = sorted((numbers[order[place : place + 2]] + 1).tolist())
    return (
        f"{catalogue.name}, interaction {first} (counted from 1): user {user!r}, item {item!r}",
        f"interaction {second}",
    )


def _drop_unused(catalogue: Catalogue, *, items_too: bool) -> Catalogue:
    users = _occurring(catalogue.interactions.users, catalogue.n_users)
    if len(users) < catalogue.n_users:
        line = _dropped("users", len(users), catalogue.n_users)
        catalogue = catalogue.with_users(users).extended(notes=[line])
    items = _occurring(catalogue.interactions.items, catalogue.n_items)
    if items_too and len(items) < catalogue.n_items:
        line = _dropped("items", len(items), catalogue.n_items)
        catalogue = catalogue.with_items(items).extended(notes=[line])
    return catalogue


def _occurring(ids: np.ndarray, size: int) -> np.ndarray:
    return np.flatnonzero(np.bincount(ids, minlength=size))


def _dropped(things: str, left: int, total: int) -> str:
    return f"{things} without interactions: {total - left:,} of {total:,} dropped, {left:,} left"


def are_labels(ratings: np.ndarray | None) -> bool:
    """Whether ratings say yes and no alone, by 1 and 0.

    >>> are_labels(np.array([1, 0, np.nan])), are_labels(np.array([1, 0, 2])), are_labels(None)
    (True, False, False)
    """
    if ratings is None:
        return False
    return set(np.unique(ratings[~np.isnan(ratings)]).tolist()) == {0.0, 1.0}


def _least_rating(ratings: np.ndarray, asked: float, labelled: bool) -> tuple[float, str]:
    """The rating from which an interaction counts, and what those below it are called."""
    if asked <= 0 and are_labels(ratings):
        return 1.0, "labelled 0, not 1 (--rating_column=none counts them)"
    if asked <= 0 and labelled:
        return 1.0, "rated below 1, since 0 was a label of the earlier data that did not count"
    return asked, f"rated below min_rating={asked:g}"


def _rating_line(ratings: np.ndarray) -> str:
    if np.isnan(ratings).all():
        return "no interaction that is left has a rating"
    low, high = np.nanmin(ratings), np.nanmax(ratings)
    if low == high:
        return ""
    return f"ratings of {low:g} to {high:g} all count the same; --min_rating drops low ones"
