"""`Dataset`: interactions in three splits, knowledge triples, features and names."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from kdiffe_jax.data.relation import Knowledge
from kdiffe_jax.data.rows import check_ids, first_out_of_order
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.errors import DataError

SPLITS = ("train", "valid", "test")
_NAMED = {
    "entity_names": "entities",
    "user_ids": "users",
    "item_ids": "items",
    "item_names": "items",
    "item_pictures": "items",
}


@dataclasses.dataclass(frozen=True)
class Dataset:
    """What is known about users and items; ids are 0-based and contiguous.

    Attributes:
      name: what reports call it.
      n_users, n_items, n_entities: sizes I, J and E.
      train, valid, test: int32[n, 2] of (user, item), sorted and unique.
      triples: int32[n, 3] of (item, relation, entity), sorted and unique. Entities have
        an id space of their own; they are never item ids.
      relation_names: one a relation; their number is the number of relations.
      entity_names: one an entity, or empty where nothing is known.
      features: modality name -> float array [J, width] of any floating dtype.
      relevant: bool[n triples], the truth of a planted data set, else None.
      notes: what a reader decided for the user, one line each, to be said aloud.
      user_ids, item_ids: the source's own names, one a user and item, unique; or empty
        where they are the numbers 0, 1, ...
      item_names, item_pictures: titles and picture addresses, one an item, or empty.
      entity_items: int32[E], the item that an entity is, -1 for all others; None where
        no entity is an item.
      provenance: where the data come from: source, files with checksums, options.
      share: whose interactions these are, where several processes share the data set;
        everything else is whole on each.
    """

    name: str
    n_users: int
    n_items: int
    n_entities: int
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    triples: np.ndarray
    relation_names: tuple[str, ...] = ()
    entity_names: tuple[str, ...] = ()
    features: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    relevant: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()
    item_names: tuple[str, ...] = ()
    item_pictures: tuple[str, ...] = ()
    entity_items: np.ndarray | None = None
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    share: Share = ALONE

    def __post_init__(self):
        for split in SPLITS:
            check_ids(getattr(self, split), split, ("user", "item"), (self.n_users, self.n_items))
        limits = (self.n_items, self.n_relations, self.n_entities)
        check_ids(self.triples, "triples", ("item", "relation", "entity"), limits)
        if self.share == ALONE and not len(self.train):
            raise DataError(f"{self.name}: there are no training interactions")
        self._check_names()
        self._check_entity_items()
        for modality, rows in self.features.items():
            if rows.ndim != 2 or len(rows) != self.n_items:
                raise DataError(
                    f"{self.name}: feature {modality} has shape {rows.shape}, "
                    f"expected one row for each of {self.n_items} items"
                )
        self._check_order()
        self._check_splits_apart()

    def _check_order(self):
        for what in (*SPLITS, "triples"):
            row = first_out_of_order(getattr(self, what))
            if row is not None:
                raise DataError(
                    f"{self.name}: {what}, row {row}: rows are sorted, each once; "
                    "kdiffe_jax.data.rows.sorted_unique makes them so"
                )

    def _check_names(self):
        for field, things in _NAMED.items():
            size = getattr(self, f"n_{things}")
            names = getattr(self, field)
            what = field.replace("_", " ")
            if names and len(names) != size:
                raise DataError(f"{self.name}: {len(names)} {what} for {size} {things}")
            if field in ("user_ids", "item_ids") and len(set(names)) < len(names):
                twice = Counter(names).most_common(1)[0][0]
                raise DataError(
                    f"{self.name}: {what}: {twice!r} stands there twice; ids are unique"
                )

    def _check_entity_items(self):
        of_entities = self.items_of_entities()
        if of_entities.shape != (self.n_entities,):
            raise DataError(
                f"{self.name}: entity items of shape {of_entities.shape} for "
                f"{self.n_entities} entities"
            )
        outside = (of_entities < -1) | (of_entities >= self.n_items)
        if outside.any():
            entity = int(np.argmax(outside))
            raise DataError(
                f"{self.name}: entity {entity} is item {of_entities[entity]}, outside "
                f"0..{self.n_items - 1}"
            )

    def _check_splits_apart(self):
        codes = {s: self.pair_codes(getattr(self, s)) for s in SPLITS}
        for first, second in (("train", "valid"), ("train", "test"), ("valid", "test")):
            shared = np.intersect1d(codes[first], codes[second], assume_unique=True)
            if len(shared):
                user, item = divmod(int(shared[0]), self.n_items)
                raise DataError(
                    f"{self.name}: {len(shared)} interactions are in both {first} and {second}, "
                    f"the first is user {user}, item {item}; remove them from one"
                )

    @property
    def n_relations(self) -> int:
        return len(self.relation_names)

    @property
    def has_content(self) -> bool:
        """Whether anything is known of items but interactions."""
        return len(self.triples) > 0 or bool(self.features)

    def pair_codes(self, pairs: np.ndarray) -> np.ndarray:
        """(user, item) pairs as single int64 numbers, user * J + item."""
        return pairs[:, 0].astype(np.int64) * self.n_items + pairs[:, 1]

    def users_by_name(self) -> tuple[str, ...]:
        """What the source calls its users; their numbers where it has no names."""
        return self.user_ids or tuple(map(str, range(self.n_users)))

    def items_by_name(self) -> tuple[str, ...]:
        """What the source calls its items; their numbers where it has no names."""
        return self.item_ids or tuple(map(str, range(self.n_items)))

    def entities_by_name(self) -> tuple[str, ...]:
        """Names of the entities; their numbers where nothing is known."""
        return self.entity_names or tuple(f"entity {e}" for e in range(self.n_entities))

    def items_of_entities(self) -> np.ndarray:
        """int32[E]: the item that each entity is, -1 where it is none."""
        if self.entity_items is None:
            return np.full(self.n_entities, -1, np.int32)
        return self.entity_items

    def user_degrees(self) -> np.ndarray:
        """int64[I]: training interactions of each user, those of all processes."""
        return self.share.summed(np.bincount(self.train[:, 0], minlength=self.n_users))

    def item_degrees(self) -> np.ndarray:
        """int64[J]: training interactions of each item, those of all processes."""
        return self.share.summed(np.bincount(self.train[:, 1], minlength=self.n_items))

    def shared(self, share: Share) -> Dataset:
        """A copy with the interactions of one process, of a data set that all have whole.

        Raises:
          DataError: the processes have different data.
        """
        if share == ALONE:
            return self
        share.check_alike(self.fingerprint(), self.name)
        pairs = {split: getattr(self, split) for split in SPLITS}
        own = {split: rows[share.owns(rows, self.n_users)] for split, rows in pairs.items()}
        return dataclasses.replace(self, **own, share=share)

    def with_knowledge(self, knowledge: Knowledge, note: str) -> Dataset:
        """A copy whose knowledge graph is replaced, and which says so in its notes."""
        return dataclasses.replace(
            self,
            triples=knowledge.triples,
            relation_names=knowledge.relation_names,
            entity_names=knowledge.entity_names,
            entity_items=knowledge.entity_items,
            n_entities=len(knowledge.entity_names),
            relevant=None,
            notes=(*self.notes, note),
        )

    def fingerprint(self) -> str:
        """SHA-256 over everything that training reads; equal data give equal text.

        It is that of the whole data set, however many processes share it.
        """
        digest = hashlib.sha256()
        digest.update(repr((self.n_users, self.n_items, self.n_entities)).encode())
        digest.update(repr((self.relation_names,)).encode())
        for split in SPLITS:
            for part in self.share.bytes_of(getattr(self, split)):
                digest.update(part)
        for part in ALONE.bytes_of(self.triples):
            digest.update(part)
        for modality, rows in sorted(self.features.items()):
            digest.update(repr((modality, rows.shape, str(rows.dtype))).encode())
            digest.update(np.ascontiguousarray(rows).tobytes())
        if self.entity_items is not None:
            digest.update(np.ascontiguousarray(self.entity_items, np.int32).tobytes())
        return digest.hexdigest()

    def triples_per_relation(self) -> dict[str, int]:
        """Relation name -> number of its triples."""
        counts = np.bincount(self.triples[:, 1], minlength=self.n_relations).tolist()
        return dict(zip(self.relation_names, counts, strict=True))

    def statistics(self) -> dict[str, float]:
        """The rows of Table I and what explains a score: sizes, density, cold items."""
        trained_items = np.bincount(self.train[:, 1], minlength=self.n_items) > 0
        cold = ~trained_items[self.test[:, 1]]
        trained_users = np.bincount(self.train[:, 0], minlength=self.n_users) > 0
        with_triples = np.bincount(self.triples[:, 0], minlength=self.n_items) > 0
        return {
            "users": self.n_users,
            "items": self.n_items,
            "train": len(self.train),
            "valid": len(self.valid),
            "test": len(self.test),
            "density": len(self.train) / (self.n_users * self.n_items),
            "entities": self.n_entities,
            "relations": self.n_relations,
            "triples": len(self.triples),
            "items_without_triples": int((~with_triples).sum()),
            "items_unseen_in_training": int((~trained_items).sum()),
            "test_interactions_with_unseen_items": int(cold.sum()),
            "users_without_training": int((~trained_users).sum()),
        }
