"""Where the ids of one data set stand in another: users, items, entities, interactions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def renumbered(pairs: np.ndarray, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """int64[m, 2]: (user, item) pairs in the numbers of another data set, as far as it has them.

    Args:
      pairs: int[n, 2].
      users, items: the other's number of each user and item, -1 where it has none.
    """
    moved = np.stack([users[pairs[:, 0]], items[pairs[:, 1]]], axis=1).astype(np.int64)
    return moved[(moved >= 0).all(axis=1)]


def entity_places(
    triples: np.ndarray,
    relation_names: Sequence[str],
    entity_names: Sequence[str],
    *,
    there: tuple[np.ndarray, Sequence[str], Sequence[str]],
) -> np.ndarray:
    """int64[E]: the entity of another knowledge graph that has a relation and a name in common.

    Entities of different relations may share a name, so a name alone is not enough. Where a
    relation has a name twice, as items of one title, nothing is told by it.

    Args:
      triples: int[m, 3] of (item, relation, entity).
      relation_names, entity_names: of this graph.
      there: triples, relation names and entity names of the other.

    Returns:
      The other's number of each entity, -1 where it has none.

    >>> here = np.array([(0, 0, 0), (0, 1, 1)]), ["colour", "word"], ["red", "red"]
    >>> entity_places(*here, there=(np.array([(5, 0, 0)]), ["word"], ["red"])).tolist()
    [-1, 0]
    """
    others = _entities_by_key(*there)
    found = np.full(len(entity_names), -1, np.int64)
    for key, entity in _entities_by_key(triples, relation_names, entity_names).items():
        if entity >= 0 and others.get(key, -1) >= 0:
            found[entity] = others[key]
    return found


def _entities_by_key(
    triples: np.ndarray, relation_names: Sequence[str], entity_names: Sequence[str]
) -> dict[tuple[str | None, str], int]:
    """The entity of each (relation, name), -1 for several; None is the relation of one in none."""
    found: dict[tuple[str | None, str], int] = {}
    links = np.unique(triples[:, 1].astype(np.int64) * len(entity_names) + triples[:, 2])
    relations, entities = np.divmod(links, max(1, len(entity_names)))
    alone = np.setdiff1d(np.arange(len(entity_names)), entities)
    keys = [(relation_names[r], e) for r, e in zip(relations, entities.tolist(), strict=True)]
    for relation, entity in [*keys, *((None, e) for e in alone.tolist())]:
        key = relation, entity_names[entity]
        found[key] = -1 if key in found else entity
    return found
