"""Nearest items by the entities that they share, rare ones counting more."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.dense import row_blocks
from kdiffe_jax.data.content.neighbours import largest_in_rows, nearest_in_block
from kdiffe_jax.data.relation import ITEMS, Relation


def neighbours_by_entities(
    triples: np.ndarray, n_neighbours: int, *, n_items: int, n_entities: int
) -> Relation:
    """An item's entities are the items with the largest cosine of their weighted entities.

    An entity of n items weighs log((J + 1) / (n + 1)). The search is exact; a block of
    cosines is held at a time. Items that share nothing are no neighbours.

    Args:
      triples: int[n, 3] of (item, relation, entity).
      n_neighbours: of each item at most.
      n_items, n_entities: sizes J and E.

    >>> triples = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 1]])
    >>> near = neighbours_by_entities(triples, 1, n_items=3, n_entities=2)
    >>> near.items.tolist(), near.entities.tolist()
    ([0, 1], [1, 0])
    """
    has = _has(triples, n_items, n_entities)
    unit = _unit_rows(has, _rarity(has))
    transposed = sparse.csr_array(unit.T)
    heads, tails, cosines = [], [], []
    for block in row_blocks(n_items, n_items):
        near = nearest_in_block((unit[block] @ transposed).toarray(), block.start, n_neighbours)
        shared = near[2] > 0
        for found, part in zip((heads, tails, cosines), near, strict=True):
            found.append(part[shared])
    items, entities, weights = (np.concatenate(part) for part in (heads, tails, cosines))
    return Relation(
        "shared entities",
        items.astype(np.int32),
        entities.astype(np.int32),
        weights=weights,
        space=ITEMS,
    )


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
    others = sparse.csr_array(_unit_rows(has, rarity).T)
    unit = _unit_rows(_has(wanted, n_wanted, n_entities), rarity)
    heads, tails = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    for block in row_blocks(n_wanted, n_items):
        rows, items, cosines = largest_in_rows((unit[block] @ others).toarray(), n_nearest)
        heads.append(block.start + rows[cosines > 0])
        tails.append(items[cosines > 0])
    return np.concatenate(heads), np.concatenate(tails)


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
