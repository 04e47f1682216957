"""Triples whose heads and tails may both be items -> relations from items to entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.rows import position_in_group, sorted_unique
from kdiffe_jax.data.tables.ids import positions
from kdiffe_jax.errors import DataError

SPACE = "entities"


def relations_by_name(
    triples: np.ndarray,
    names: tuple[Sequence[str], Sequence[str], Sequence[str]],
    item_ids: Sequence[str],
    file: Path,
) -> tuple[tuple[Relation, ...], tuple[str, ...]]:
    """`relations_of_nodes` where heads and tails that are called as items are these items.

    Args:
      triples: int[n, 3] of (head, relation, tail), each numbered on its own.
      names: of heads, relations and tails.
      item_ids: one an item.
      file: where they are from.

    Raises:
      DataError: no triple touches an item.
    """
    heads, relation_names, tails = names
    nodes = tuple(dict.fromkeys((*heads, *tails)))
    items = positions(nodes, item_ids)
    known = np.flatnonzero(items >= 0)
    of_nodes = [positions(heads, nodes)[triples[:, 0]], positions(tails, nodes)[triples[:, 2]]]
    return relations_of_nodes(
        np.stack([of_nodes[0], triples[:, 1], of_nodes[1]], axis=1),
        np.stack([known, items[known]], axis=1),
        relation_names,
        nodes,
        file,
    )


def relations_of_nodes(
    triples: np.ndarray,
    links: np.ndarray,
    relation_names: Sequence[str],
    node_names: Sequence[str],
    file: str | Path,
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
      file: where they are from, for messages.

    Returns:
      relations without repeated links, and notes on what was left out.

    Raises:
      DataError: there are triples, and none touches an item.

    >>> links = np.array([[0, 0], [1, 1]])
    >>> relations, notes = relations_of_nodes(
    ...     np.array([[0, 0, 2], [2, 0, 1], [0, 0, 1], [2, 0, 3]]),
    ...     links,
    ...     ["by"],
    ...     list("abcd"),
    ...     "kg.txt",
    ... )
    >>> for relation in relations:
    ...     print(relation.name, relation.items, relation.entities, relation.space)
    by [0] [2] entities
    by [0] [1] items
    by (inverse) [1] [2] entities
    >>> notes
    ('kg.txt: 1 of 4 triples touch no item and were left out',)
    """
    links = sorted_unique(links)
    from_item, to_item = (np.isin(triples[:, end], links[:, 0]) for end in (0, 2))
    dropped = int((~from_item & ~to_item).sum())
    if dropped and dropped == len(triples):
        head, relation, tail = triples[0].tolist()
        raise DataError(
            f"{file}: none of its {dropped} triples touches an item, the first is "
            f"{node_names[head][:60]!r} {relation_names[relation][:60]!r} {node_names[tail][:60]!r}"
            "; use the ids of the items there, or remove the file"
        )
    forward = _headed_by_items(triples[from_item & ~to_item], links)
    inverse = _headed_by_items(triples[~from_item & to_item, ::-1], links)
    between = _headed_by_items(triples[from_item & to_item], links)
    between = _headed_by_items(between[:, ::-1], links)[:, ::-1]
    loops = between[:, 0] == between[:, 2]
    parts = [_by_relation(r, len(relation_names)) for r in (forward, between[~loops], inverse)]
    relations, node_names = [], tuple(node_names)
    for name, plain, linked, turned in zip(relation_names, *parts, strict=True):
        if len(plain):
            relations.append(Relation(name, *plain.T, node_names, space=SPACE))
        if len(linked):
            relations.append(Relation(name, *linked.T, space=ITEMS))
        if len(turned):
            relations.append(Relation(f"{name} (inverse)", *turned.T, node_names, space=SPACE))
    notes = _notes(len(triples), dropped, int(loops.sum()))
    return tuple(relations), tuple(f"{Path(file).name}: {note}" for note in notes)


def relations_of_numbers(
    rows: np.ndarray,
    n_items: int,
    file: str | Path,
    *,
    relation_name: Callable[[int], str],
    entity_name: Callable[[int], str],
) -> tuple[tuple[Relation, ...], tuple[str, ...]]:
    """`relations_of_nodes` where the numbers below `n_items` are items, in heads and in tails.

    Args:
      rows: int[n, 3] of (head, relation, tail), numbered with gaps or without.
      n_items: number of items.
      file: where they are from, for messages.
      relation_name, entity_name: what a number is called.
    """
    relations, relation_ids = np.unique(rows[:, 1], return_inverse=True)
    nodes, ends = np.unique(rows[:, [0, 2]], return_inverse=True)
    heads, tails = ends.reshape(-1, 2).T
    items = nodes[nodes < n_items]
    return relations_of_nodes(
        np.stack([heads, relation_ids.ravel(), tails], axis=1),
        np.stack([np.arange(len(items)), items], axis=1),
        list(map(relation_name, relations.tolist())),
        list(map(entity_name, nodes.tolist())),
        file,
    )


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


def _notes(total: int, dropped: int, loops: int) -> list[str]:
    notes = []
    if dropped:
        notes.append(f"{dropped} of {total} triples touch no item and were left out")
    if loops:
        notes.append(f"{loops} triples link an item to itself and were left out")
    return notes
