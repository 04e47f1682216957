"""`Relation`: one kind of link between items and entities; relations -> triples."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.rows import sorted_unique

ITEMS = "items"


@dataclasses.dataclass(frozen=True)
class Relation:
    """Item-entity links of one kind, with names.

    Attributes:
      name: the relation's name, such as "brand" or "title word".
      items: int32[n], the item of each link.
      entities: int32[n], indices into `entity_names`; items where `space` is `ITEMS`.
      entity_names: one an entity; empty where `space` is `ITEMS`.
      weights: float32[n], the strength of each link, larger is stronger; None where
        all count the same. They order the links of an item when some must go; the
        triples themselves carry no weight.
      space: relations with the same space share entities of the same name. The empty
        text means a space of its own, `ITEMS` that the entities are items.
      note: what was decided on the way, to be said aloud.
      entity_keys: what tells entities of one space apart, one an entity; by default their names.
    """

    name: str
    items: np.ndarray
    entities: np.ndarray
    entity_names: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    space: str = ""
    note: str = ""
    entity_keys: tuple[Hashable, ...] = ()

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """What tells entities apart from those of relations of the same space."""
        return self.entity_keys or self.entity_names

    @property
    def links_items(self) -> bool:
        """Whether the entities are items."""
        return self.space == ITEMS

    def take(self, keep: np.ndarray) -> Relation:
        """The links that a mask or an index array selects; names stay."""
        weights = None if self.weights is None else self.weights[keep]
        return dataclasses.replace(
            self, items=self.items[keep], entities=self.entities[keep], weights=weights
        )


class Knowledge(NamedTuple):
    """Relations joined into one knowledge graph; see `Dataset` for the fields."""

    triples: np.ndarray
    relation_names: tuple[str, ...]
    entity_names: tuple[str, ...]
    entity_items: np.ndarray | None


def united(relations: Iterable[Relation], *, by_weights: bool = False) -> list[Relation]:
    """Relations of one name as one, those to items apart from those to other entities.

    Entities of one name in several parts are one, in the first space that other relations share,
    if any; those of one part stay as many as they are.
    Weights count where all parts have some.

    Args:
      relations: their order stays, each where its first part is.
      by_weights: whether parts with weights and parts without stay apart.

    >>> first, second = (Relation("brand", np.array([i]), np.array([0]), ("Acme",)) for i in (0, 1))
    >>> [(one.items.tolist(), one.entities.tolist()) for one in united([first, second])]
    [([0, 1], [0, 0])]
    """
    parts: dict[tuple[str, bool, bool], list[Relation]] = {}
    for relation in relations:
        weighed = by_weights and relation.weights is not None
        parts.setdefault((relation.name, relation.links_items, weighed), []).append(relation)
    return [_as_one(of_one) if len(of_one) > 1 else of_one[0] for of_one in parts.values()]


def _as_one(parts: Sequence[Relation]) -> Relation:
    first = parts[0]
    entities, named = _by_name(parts)
    weights = [part.weights for part in parts if part.weights is not None]
    notes = [part.note.removeprefix(f"{first.name}: ") for part in parts if part.note]
    return dataclasses.replace(
        first,
        items=np.concatenate([part.items for part in parts]),
        entities=np.concatenate(entities),
        entity_names=tuple(named.values()),
        entity_keys=tuple(named),
        weights=np.concatenate(weights) if len(weights) == len(parts) else None,
        space=next((part.space for part in parts if part.space), ""),
        note=f"{first.name}: {'; '.join(notes)}" if notes else "",
    )


def _by_name(parts: Sequence[Relation]) -> tuple[list[np.ndarray], dict[Hashable, str]]:
    """Entities of all parts in one numbering, and key -> name of those in use; items stay."""
    if parts[0].links_items:
        return [part.entities for part in parts], {}
    named: dict[Hashable, str] = {}
    numbers: dict[Hashable, int] = {}
    first: dict[str, Hashable] = {}
    entities = []
    for part in parts:
        used, local = np.unique(part.entities, return_inverse=True)
        keys, of_part = [], set()
        for entity in used.tolist():
            name, key = part.entity_names[entity], part.keys[entity]
            if name not in of_part:
                key = first.setdefault(name, key)
            of_part.add(name)
            named[key] = name
            keys.append(numbers.setdefault(key, len(numbers)))
        entities.append(np.array(keys, np.int32)[local.ravel()])
    return entities, named


def join_relations(relations: Sequence[Relation], item_names: Sequence[str]) -> Knowledge:
    """One id space for the entities of all relations; only entities in use are kept.

    Relations of one name become one relation. Entities of different relations are one
    entity where space and key agree, else two; their key is their name unless they have others.

    Args:
      relations: in the order in which their ids are given.
      item_names: what items are called as entities, one an item.

    Returns:
      `Knowledge` with int32[n, 3] triples, sorted and unique, and entity_items as in
      `Dataset`.

    >>> brand = Relation("brand", np.array([0, 1]), np.array([0, 0]), ("Acme",))
    >>> near = Relation("near", np.array([0]), np.array([1]), space=ITEMS)
    >>> graph = join_relations([brand, near], ["pen", "ink"])
    >>> graph.triples.tolist(), graph.entity_names, graph.entity_items.tolist()
    ([[0, 0, 0], [0, 1, 1], [1, 0, 0]], ('Acme', 'ink'), [-1, 1])
    """
    relation_ids: dict[str, int] = {}
    entity_ids: dict[tuple[str, Hashable], int] = {}
    names: list[str] = []
    entity_items: list[int] = []
    parts = [np.zeros((0, 3), np.int32)]
    for relation in relations:
        used, local = np.unique(relation.entities, return_inverse=True)
        links_items = relation.links_items
        space = relation.space or f"relation {relation.name}"
        ids = np.empty(len(used), np.int64)
        for position, entity in enumerate(used.tolist()):
            key = (space, entity if links_items else relation.keys[entity])
            if key not in entity_ids:
                entity_ids[key] = len(names)
                names.append(item_names[entity] if links_items else relation.entity_names[entity])
                entity_items.append(entity if links_items else -1)
            ids[position] = entity_ids[key]
        number = relation_ids.setdefault(relation.name, len(relation_ids))
        parts.append(
            np.stack([relation.items, np.full(len(local), number), ids[local.ravel()]], axis=1)
        )
    return Knowledge(
        sorted_unique(np.concatenate(parts)),
        tuple(relation_ids),
        tuple(names),
        np.array(entity_items, np.int32) if max(entity_items, default=-1) >= 0 else None,
    )
