"""Relations that say the same, or one the inverse of the other: named, or counted once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.relation import Relation

# Of the links of either of two kinds, the share that both have, in whatever direction.
_SAME = 0.9
# Fewer links agree by chance.
_FEWEST = 5


class Alike(NamedTuple):
    """Two relations that say the same, by their numbers.

    Attributes:
      share: of the links of either, those of both.
      inverse: whether the tails of one are the heads of the other.
    """

    first: int
    second: int
    share: float
    inverse: bool


def alike_relations(
    triples: np.ndarray, n_relations: int, of_items: np.ndarray, names: Sequence[str]
) -> list[Alike]:
    """Relations of at least five links that share 0.9 of them, or of their inverse links.

    Entities that are no items are the same where their names are.

    Args:
      triples: int[n, 3] of (item, relation, entity), unique.
      n_relations: how many there are.
      of_items: int[E], the item that each entity is, -1 where it is none.
      names: one an entity.

    >>> ahead, back = [(i, 0, i + 1) for i in range(5)], [(i + 1, 1, i) for i in range(5)]
    >>> alike_relations(np.array(ahead + back), 2, np.arange(6), list("abcdef"))
    [Alike(first=0, second=1, share=1.0, inverse=True)]
    """
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    named = np.array([number[name] for name in names], np.int64)
    n_nodes = int(max(triples[:, 0].max(initial=-1), of_items.max(initial=-1))) + 1
    nodes = np.where(of_items >= 0, of_items, n_nodes + named)[triples[:, 2]]
    width = n_nodes + len(number) + 1
    links = triples[:, 0].astype(np.int64) * width + nodes
    turned = np.where(of_items[triples[:, 2]] >= 0, nodes * width + triples[:, 0], -1)
    sizes = np.bincount(triples[:, 1], minlength=n_relations)
    found = _shares(links, links, triples[:, 1], sizes, inverse=False)
    same = {(pair.first, pair.second) for pair in found}
    inverse = _shares(links, turned, triples[:, 1], sizes, inverse=True)
    found += [pair for pair in inverse if (pair.first, pair.second) not in same]
    return sorted(found)


def _shares(links, others, relations, sizes: np.ndarray, *, inverse: bool) -> list[Alike]:
    """Pairs of relations by how many links of the one are others of the second."""
    distinct, columns = np.unique(np.concatenate([links, others]), return_inverse=True)
    shape = (len(sizes), len(distinct))
    rows, columns = np.tile(relations, 2).reshape(2, -1), columns.reshape(2, -1)
    ones = np.ones(len(relations))
    mine, theirs = (
        sparse.csr_array((ones, (rows[side], columns[side])), shape=shape) for side in (0, 1)
    )
    both = sparse.coo_array(mine @ theirs.T)
    first, second = both.row, both.col
    shares = both.data / (sizes[first] + sizes[second] - both.data)
    wanted = (first < second) & (shares >= _SAME) & (sizes[first] >= _FEWEST)
    pairs = zip(first[wanted], second[wanted], shares[wanted], strict=True)
    return [Alike(int(a), int(b), float(share), inverse) for a, b, share in pairs]


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
