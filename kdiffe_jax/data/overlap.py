"""Pairs that a given split has in more than one of its parts."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions


def pairs_of_rows(rows: Interactions, n_items: int) -> np.ndarray:
    """int64[n]: one number for each (user, item)."""
    return rows.users.astype(np.int64) * n_items + rows.items


def overlapping_pairs(catalogue: Catalogue) -> int:
    """How many pairs stand in two parts of the split, each counted once."""
    if catalogue.interactions.split is None:
        return 0
    pairs = pairs_of_rows(catalogue.interactions, catalogue.n_items)
    parts = np.unique(pairs * 3 + catalogue.interactions.split) // 3
    return len(np.unique(parts[1:][parts[1:] == parts[:-1]]))


def in_one_part(catalogue: Catalogue, which: str) -> np.ndarray:
    """bool[n]: the rows of each pair that stand in its first or in its last part.

    Args:
      catalogue: with a split or without, where all rows are in one part.
      which: "earlier" for the first part, train before valid before test; "later" for the last.
    """
    if (split := catalogue.interactions.split) is None:
        return np.ones(len(catalogue.interactions), bool)
    _, inverse = np.unique(
        pairs_of_rows(catalogue.interactions, catalogue.n_items), return_inverse=True
    )
    order = split if which == "earlier" else -split
    first = np.full(inverse.max(initial=-1) + 1, 3, np.int8)
    np.minimum.at(first, inverse, order)
    return order == first[inverse]
