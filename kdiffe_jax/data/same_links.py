"""Kinds of nearest items that say the same, or one the inverse of the other, count once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from kdiffe_jax.data.relation import Relation

# Of the links of either of two kinds, the share that both have, in whatever direction.
_SAME = 0.9


def merged_where_same(kinds: Iterable[Relation], n_items: int) -> list[Relation]:
    """The kinds, one of whose links another has already joined to it.

    Two are the same where they share at least 0.9 of the pairs of items that either links, the
    direction aside. The first stays under its name, with the links of both.

    Args:
      kinds: relations between items.
      n_items: size J.

    >>> ahead = Relation("sequel", np.array([0, 1]), np.array([1, 2]))
    >>> back = Relation("prequel", np.array([1, 2]), np.array([0, 1]))
    >>> (both,) = merged_where_same([ahead, back], 3)
    >>> both.name, both.items.tolist(), both.entities.tolist()
    ('sequel', [0, 1, 1, 2], [1, 0, 2, 1])
    """
    found: list[Relation] = []
    of_found: list[np.ndarray] = []
    for kind in kinds:
        own = _pairs(kind, n_items)
        same = [place for place, other in enumerate(of_found) if _alike(own, other)]
        if same:
            found[same[0]] = _joined(found[same[0]], kind, n_items)
        else:
            found.append(kind)
            of_found.append(own)
    return found


def _pairs(kind: Relation, n_items: int) -> np.ndarray:
    low, high = np.minimum(kind.items, kind.entities), np.maximum(kind.items, kind.entities)
    return np.unique(low.astype(np.int64) * n_items + high)


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    small, large = sorted((len(first), len(second)))
    if small < _SAME * large:
        return False
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both >= _SAME * (small + large - both)


def _joined(first: Relation, second: Relation, n_items: int) -> Relation:
    links = np.concatenate(
        [of.items.astype(np.int64) * n_items + of.entities for of in (first, second)]
    )
    items, entities = np.divmod(np.unique(links), n_items)
    whole = dict(items=items.astype(np.int32), entities=entities.astype(np.int32))
    return dataclasses.replace(first, weights=None, **whole)
