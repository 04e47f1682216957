"""`Catalogue`: what a source holds, before it is split and its content becomes triples."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping

import numpy as np

from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.rows import places_by_relation


@dataclasses.dataclass(frozen=True)
class Interactions:
    """Rows of a source, in its order; repeated pairs are allowed.

    Attributes:
      users, items: int32[n].
      ratings: float32[n], NaN where there is none; None where no row has one.
      times: int64[n], any unit that grows; None where there are none.
      split: int8[n], 0 train, 1 valid, 2 test; None where the source gives no split.
      time_scale: by what the times of the source were multiplied, so that they are whole.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray | None = None
    times: np.ndarray | None = None
    split: np.ndarray | None = None
    time_scale: int = 1

    def __len__(self) -> int:
        return len(self.users)

    def take(self, keep: np.ndarray) -> Interactions:
        """The rows that a mask or an index array selects."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        columns = {k: v[keep] for k, v in values.items() if isinstance(v, np.ndarray)}
        return dataclasses.replace(self, **columns)


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """Users and items by their own names, interactions, and all that is known of items.

    Attributes:
      name: of the data set.
      user_ids, item_ids: the source's names of users and items, as text.
      interactions: see `Interactions`.
      relations: links that the source gives ready-made.
      columns: column name -> one text an item, "" where it has none.
      features: modality -> float[J, width].
      item_names, item_pictures: what to show of an item, or empty.
      notes: what the reader decided, one line each.
      files: the files that were read, for the provenance.
      numbered: whether the source itself numbers its items, so that the rows of a matrix
        can be in that order; else a matrix needs the ids of its rows.
    """

    name: str
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    interactions: Interactions
    relations: tuple[Relation, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    features: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    item_names: tuple[str, ...] = ()
    item_pictures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    numbered: bool = True

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def items_in_words(self) -> tuple[str, ...]:
        """What to call each item: its name, or its id where it has none."""
        names = self.item_names or self.item_ids
        return tuple(name or own for name, own in zip(names, self.item_ids, strict=True))

    def interactions_by_id(self) -> Interactions:
        """The interactions with users and items numbered by their ids, whole numbers by size.

        These numbers are the same whatever the order in which a source has its rows.
        """
        rows = self.interactions
        return dataclasses.replace(
            rows, users=_ranks(self.user_ids)[rows.users], items=_ranks(self.item_ids)[rows.items]
        )

    def extended(
        self,
        *,
        relations: Iterable[Relation] = (),
        notes: Iterable[str] = (),
        files: Iterable[str] = (),
        **changes,
    ) -> Catalogue:
        """A copy with more relations, notes (empty ones do not count) and files, else changed."""
        return dataclasses.replace(
            self,
            relations=(*self.relations, *relations),
            notes=(*self.notes, *filter(None, notes)),
            files=(*self.files, *files),
            **changes,
        )

    def with_items(self, keep: np.ndarray) -> Catalogue:
        """Only the items in `keep`, renumbered in that order, with all that is known of them.

        Args:
          keep: int[m], item indices without repetition. Interactions and links of other
            items go.
        """
        new_ids = np.full(self.n_items, -1, np.int32)
        new_ids[keep] = np.arange(len(keep), dtype=np.int32)
        rows = self.interactions.take(new_ids[self.interactions.items] >= 0)
        return dataclasses.replace(
            self,
            item_ids=_take(self.item_ids, keep),
            interactions=dataclasses.replace(rows, items=new_ids[rows.items]),
            relations=tuple(_renumbered(relation, new_ids) for relation in self.relations),
            columns={name: _take(texts, keep) for name, texts in self.columns.items()},
            features={name: rows[keep] for name, rows in self.features.items()},
            item_names=_take(self.item_names, keep),
            item_pictures=_take(self.item_pictures, keep),
        )

    def with_users(self, keep: np.ndarray) -> Catalogue:
        """Only the users in `keep`, renumbered in that order; other users' interactions go."""
        new_ids = np.full(self.n_users, -1, np.int32)
        new_ids[keep] = np.arange(len(keep), dtype=np.int32)
        rows = self.interactions.take(new_ids[self.interactions.users] >= 0)
        return dataclasses.replace(
            self,
            user_ids=_take(self.user_ids, keep),
            interactions=dataclasses.replace(rows, users=new_ids[rows.users]),
        )


def catalogue_of(dataset: Dataset, files: tuple[str, ...] = ()) -> Catalogue:
    """A finished data set as a source: its split is given, its triples are relations."""
    return Catalogue(
        name=dataset.name,
        user_ids=dataset.users_by_name(),
        item_ids=dataset.items_by_name(),
        interactions=given_split({split: getattr(dataset, split) for split in SPLITS}),
        relations=_relations_of(dataset),
        features=dataset.features,
        item_names=dataset.item_names,
        item_pictures=dataset.item_pictures,
        notes=dataset.notes,
        files=files,
    )


def given_split(parts: Mapping[str, np.ndarray]) -> Interactions:
    """The (user, item) pairs of each split that a source gives."""
    pairs = np.concatenate(list(parts.values()))
    numbers = np.array([SPLITS.index(split) for split in parts], np.int8)
    sizes = [len(part) for part in parts.values()]
    return Interactions(pairs[:, 0], pairs[:, 1], split=np.repeat(numbers, sizes))


def _relations_of(dataset: Dataset) -> tuple[Relation, ...]:
    """Entities stay one across relations; those that are items form relations of their own."""
    names, of_entities = dataset.entities_by_name(), dataset.items_of_entities()
    keys = _keys(names, of_entities < 0)
    of_item = of_entities[dataset.triples[:, 2]]
    relations = []
    for name, mine in places_by_relation(dataset.triples, dataset.relation_names):
        plain, linked = mine[of_item[mine] < 0], mine[of_item[mine] >= 0]
        if len(plain) or not len(linked):
            items, _, entities = dataset.triples[plain].T
            links = Relation(name, items, entities, names, space="entities", entity_keys=keys)
            relations.append(links)
        if len(linked):
            items = dataset.triples[linked, 0]
            relations.append(Relation(name, items, of_item[linked], space=ITEMS))
    return tuple(relations)


def _keys(names: tuple[str, ...], plain: np.ndarray) -> tuple[Hashable, ...]:
    """Names, with the number beside where an earlier one of the `plain` entities has the name."""
    first: dict[str, int] = {}
    for entity in np.flatnonzero(plain).tolist():
        first.setdefault(names[entity], entity)
    return tuple(
        name if first.get(name) == entity else (name, entity) for entity, name in enumerate(names)
    )


def _ranks(ids: tuple[str, ...]) -> np.ndarray:
    """int32[n]: where each id stands when short ones come first, then by letters."""
    ranks = np.empty(len(ids), np.int32)
    ordered = sorted(range(len(ids)), key=lambda number: (len(ids[number]), ids[number]))
    ranks[ordered] = np.arange(len(ids), dtype=np.int32)
    return ranks


def _renumbered(relation: Relation, new_ids: np.ndarray) -> Relation:
    keep = new_ids[relation.items] >= 0
    if relation.links_items:
        keep &= new_ids[relation.entities] >= 0
    relation = relation.take(keep)
    entities = new_ids[relation.entities] if relation.links_items else relation.entities
    return dataclasses.replace(relation, items=new_ids[relation.items], entities=entities)


def _take(texts: tuple[str, ...], keep: np.ndarray) -> tuple[str, ...]:
    return tuple(texts[i] for i in keep.tolist()) if texts else ()
