"""Nearest items by the entities that they share, rare ones counting more."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.dense import row_blocks
from kdiffe_jax.data.content.neighbours import nearest_in_block
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
    ones = np.ones(len(triples), np.float32)
    has = sparse.csr_array((ones, (triples[:, 0], triples[:, 2])), shape=(n_items, n_entities))
    has.data[:] = 1.0
    rarity = np.log((n_items + 1) / (has.sum(axis=0) + 1))
    weighted = sparse.csr_array(has @ sparse.diags_array(rarity), dtype=np.float32)
    lengths = np.sqrt(np.asarray(weighted.power(2).sum(axis=1)))
    inverse = np.divide(1.0, lengths, out=np.zeros(n_items), where=lengths > 0)
    unit = sparse.csr_array(sparse.diags_array(inverse) @ weighted, dtype=np.float32)
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
