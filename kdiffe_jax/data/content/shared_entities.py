"""Nearest items by the entities that they share, rare ones counting more."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.alike_rows import nearest_alike
from kdiffe_jax.data.content.largest import MISSED, Nearest
from kdiffe_jax.data.content.sparse_nearest import nearest_rows, pairs_of_rows
from kdiffe_jax.data.relation import ITEMS, Relation

MOST_PAIRS = 3e8  #: less than a minute on one core


def neighbours_by_entities(
    triples: np.ndarray,
    n_neighbours: int,
    *,
    n_items: int,
    n_entities: int,
    most_pairs: float = MOST_PAIRS,
) -> Relation:
    """An item's entities are the items with the largest cosine of their weighted entities.

    An entity of n items weighs log((J + 1) / (n + 1)). Items that share nothing are no
    neighbours. The search is exact where at most `most_pairs` pairs of items share an entity,
    counted by entities; else some of the nearest may be missed (`alike_rows.py`).

    Args:
      triples: int[n, 3] of (item, relation, entity).
      n_neighbours: of each item at most.
      n_items, n_entities: sizes J and E.
      most_pairs: that are all looked at.

    >>> triples = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 1]])
    >>> near = neighbours_by_entities(triples, 1, n_items=3, n_entities=2)
    >>> near.items.tolist(), near.entities.tolist()
    ([0, 1], [1, 0])
    """
    has = _has(triples, n_items, n_entities)
    unit = _unit_rows(has, _rarity(has))
    near, note = nearest_to_each(unit, n_neighbours, most_pairs=most_pairs)
    return Relation(
        "shared entities",
        near.rows.astype(np.int32),
        near.others.astype(np.int32),
        weights=near.products,
        space=ITEMS,
        note=note,
    )


def nearest_to_each(
    unit: sparse.csr_array, n_nearest: int, *, most_pairs: float = MOST_PAIRS
) -> tuple[Nearest, str]:
    """The other items with the largest cosine, for each item; and a note where some may be missed.

    Args:
      unit: f32[J, E], rows of length 1, or 0 of items without content.
      n_nearest: of each item at most; one that shares nothing is no neighbour.
      most_pairs: that are all looked at, counted by columns.
    """
    pairs = pairs_of_rows(unit, unit).sum()
    if pairs <= most_pairs:
        return nearest_rows(unit, unit, n_nearest, itself=False), ""
    near = nearest_alike(unit, n_nearest, most_pairs=most_pairs / 2)
    return near, f"{pairs:.1g} pairs of items share entities: some of the nearest {MISSED}"


def nearest_by_entities(
    wanted: np.ndarray,
    triples: np.ndarray,
    n_nearest: int,
    *,
    n_wanted: int,
    n_items: int,
    n_entities: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of some items to others that are not among them, as `neighbours_by_entities`.

    What an entity weighs is decided by the items that are looked through.

    Args:
      wanted: int[m, 3] of (wanted item, relation, entity).
      triples: int[n, 3] of (item, relation, entity), of the items to look through.
      n_nearest: of each wanted item at most.
      n_wanted, n_items, n_entities: their number, J and E.

    Returns:
      int[l] and int[l]: wanted items and their nearest items, nearest first.

    >>> triples = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [2, 0, 1]])
    >>> near = nearest_by_entities(
    ...     np.array([[0, 0, 1]]), triples, 5, n_wanted=1, n_items=3, n_entities=2
    ... )
    >>> near[0].tolist(), near[1].tolist()
    ([0, 0], [2, 1])
    """
    has = _has(triples, n_items, n_entities)
    rarity = _rarity(has)
    unit = _unit_rows(_has(wanted, n_wanted, n_entities), rarity)
    near = nearest_rows(unit, _unit_rows(has, rarity), n_nearest)
    return near.rows, near.others


def _has(triples: np.ndarray, n_items: int, n_entities: int) -> sparse.csr_array:
    """f32[J, E]: 1 where an item has an entity, by however many relations."""
    ones = np.ones(len(triples), np.float32)
    has = sparse.csr_array((ones, (triples[:, 0], triples[:, 2])), shape=(n_items, n_entities))
    has.data[:] = 1.0
    return has


def _rarity(has: sparse.csr_array) -> np.ndarray:
    return np.log((has.shape[0] + 1) / (has.sum(axis=0) + 1))


def _unit_rows(has: sparse.csr_array, rarity: np.ndarray) -> sparse.csr_array:
    weighted = sparse.csr_array(has @ sparse.diags_array(rarity), dtype=np.float32)
    lengths = np.sqrt(np.asarray(weighted.power(2).sum(axis=1)))
    inverse = np.divide(1.0, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    return sparse.csr_array(sparse.diags_array(inverse) @ weighted, dtype=np.float32)
