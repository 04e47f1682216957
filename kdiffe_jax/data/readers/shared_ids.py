"""Triples whose heads and tails may both be items -> relations from items to entities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.rows import position_in_group, sorted_unique

SPACE = "entities"


def relations_of_nodes(
    triples: np.ndarray, links: np.ndarray, relation_names: Sequence[str], node_names: Sequence[str]
) -> tuple[tuple[Relation, ...], tuple[str, ...]]:
    """Every triple seen from its item: forward, between two items, or inverse.

    A triple from an item to an entity stays; one between items makes the tail an entity that
    is an item; one from an entity to an item is turned round, as relation "name (inverse)".
    Others, and those from an item to itself, are left out. A node that is several items
    stands for each of them.

    Args:
      triples: int[n, 3] of (head, relation, tail); heads and tails are numbered alike.
      links: int[m, 2] of (node, item): the nodes that are items.
      relation_names: one a relation.
      node_names: one a node.

    Returns:
      relations without repeated links, and notes on what was left out.

    >>> links = np.array([[0, 0], [1, 1]])
    >>> relations, notes = relations_of_nodes(
    ...     np.array([[0, 0, 2], [2, 0, 1], [0, 0, 1], [2, 0, 3]]), links, ["by"], list("abcd")
    ... )
    >>> for relation in relations:
    ...     print(relation.name, relation.items, relation.entities, relation.space)
    by [0] [2] entities
    by [0] [1] items
    by (inverse) [1] [2] entities
    >>> notes
    ('1 of 4 triples touch no item and were left out',)
    """
    links = sorted_unique(links)
    from_item, to_item = (np.isin(triples[:, end], links[:, 0]) for end in (0, 2))
    forward = _headed_by_items(triples[from_item & ~to_item], links)
    inverse = _headed_by_items(triples[~from_item & to_item, ::-1], links)
    between = _headed_by_items(triples[from_item & to_item], links)
    between = _headed_by_items(between[:, ::-1], links)[:, ::-1]
    loops = between[:, 0] == between[:, 2]
    parts = [_by_relation(r, len(relation_names)) for r in (forward, between[~loops], inverse)]
    relations = []
    for name, plain, linked, turned in zip(relation_names, *parts, strict=True):
        if len(plain):
            relations.append(Relation(name, *plain.T, tuple(node_names), space=SPACE))
        if len(linked):
            relations.append(Relation(name, *linked.T, space=ITEMS))
        if len(turned):
            relations.append(
                Relation(f"{name} (inverse)", *turned.T, tuple(node_names), space=SPACE)
            )
    dropped = int((~from_item & ~to_item).sum())
    return tuple(relations), _notes(len(triples), dropped, int(loops.sum()))


def _headed_by_items(rows: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Puts in place of the first node each item that it is; rows repeat where it is several."""
    first, end = (np.searchsorted(links[:, 0], rows[:, 0], side) for side in ("left", "right"))
    origin = np.repeat(np.arange(len(rows)), end - first)
    items = links[first[origin] + position_in_group(origin), 1]
    return np.column_stack([items, rows[origin, 1:]])


def _by_relation(rows: np.ndarray, n_relations: int) -> list[np.ndarray]:
    """(item, entity) pairs of every relation, int32[n, 2], sorted and unique."""
    rows = sorted_unique(rows[:, [1, 0, 2]])
    ends = np.searchsorted(rows[:, 0], np.arange(n_relations), "right")
    return np.split(rows[:, 1:], ends)[:n_relations]


def _notes(total: int, dropped: int, loops: int) -> tuple[str, ...]:
    notes = []
    if dropped:
        notes.append(f"{dropped} of {total} triples touch no item and were left out")
    if loops:
        notes.append(f"{loops} triples link an item to itself and were left out")
    return tuple(notes)
