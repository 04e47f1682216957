"""`Dataset`: interactions in three splits, knowledge triples, features and names."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np

from kdiffe_jax.errors import DataError

SPLITS = ("train", "valid", "test")


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

    def __post_init__(self):
        for split in SPLITS:
            _check_ids(getattr(self, split), split, ("user", "item"), (self.n_users, self.n_items))
        limits = (self.n_items, self.n_relations, self.n_entities)
        _check_ids(self.triples, "triples", ("item", "relation", "entity"), limits)
        if not len(self.train):
            raise DataError(f"{self.name}: there are no training interactions")
        if self.entity_names and len(self.entity_names) != self.n_entities:
            raise DataError(
                f"{self.name}: {len(self.entity_names)} entity names for {self.n_entities} entities"
            )
        for modality, rows in self.features.items():
            if rows.ndim != 2 or len(rows) != self.n_items:
                raise DataError(
                    f"{self.name}: feature {modality} has shape {rows.shape}, "
                    f"expected one row for each of {self.n_items} items"
                )
        self._check_splits_apart()

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

    def pair_codes(self, pairs: np.ndarray) -> np.ndarray:
        """(user, item) pairs as single int64 numbers, user * J + item."""
        return pairs[:, 0].astype(np.int64) * self.n_items + pairs[:, 1]

    def with_triples(self, triples, relation_names, entity_names, note: str) -> Dataset:
        """A copy whose knowledge graph is replaced, and which says so in its notes."""
        return dataclasses.replace(
            self,
            triples=sorted_unique(triples),
            relation_names=tuple(relation_names),
            entity_names=tuple(entity_names),
            n_entities=len(entity_names),
            relevant=None,
            notes=(*self.notes, note),
        )

    def fingerprint(self) -> str:
        """SHA-256 over everything that training reads; equal data give equal text."""
        digest = hashlib.sha256()
        digest.update(repr((self.n_users, self.n_items, self.n_entities)).encode())
        digest.update(repr((self.relation_names,)).encode())
        for array in (self.train, self.valid, self.test, self.triples):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array, np.int32).tobytes())
        for modality, rows in sorted(self.features.items()):
            digest.update(repr((modality, rows.shape, str(rows.dtype))).encode())
            digest.update(np.ascontiguousarray(rows).tobytes())
        return digest.hexdigest()

    def statistics(self) -> dict[str, float]:
        """The rows of Table I and what explains a score: sizes, density, cold items."""
        trained_items = np.unique(self.train[:, 1])
        cold = ~np.isin(self.test[:, 1], trained_items)
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
            "items_without_triples": self.n_items - len(np.unique(self.triples[:, 0])),
            "items_unseen_in_training": self.n_items - len(trained_items),
            "test_interactions_with_unseen_items": int(cold.sum()),
            "users_without_training": self.n_users - len(np.unique(self.train[:, 0])),
        }


def sorted_unique(rows: np.ndarray) -> np.ndarray:
    """Integer rows in lexicographic order without duplicates, int32.

    >>> sorted_unique(np.array([[1, 0], [0, 2], [1, 0]])).tolist()
    [[0, 2], [1, 0]]
    """
    rows = np.asarray(rows)
    if not len(rows):
        return rows.astype(np.int32)
    rows = rows[np.lexsort(rows.T[::-1])]
    keep = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    return np.ascontiguousarray(rows[keep], np.int32)


def _check_ids(rows: np.ndarray, what: str, columns, limits) -> None:
    if rows.ndim != 2 or rows.shape[1] != len(columns) or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(f"{what}: shape {rows.shape}, {rows.dtype}: expected integers {columns}")
    for position, (column, limit) in enumerate(zip(columns, limits, strict=True)):
        bad = (rows[:, position] < 0) | (rows[:, position] >= limit)
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{what}, row {row}: {column} {rows[row, position]} is outside 0..{limit - 1}"
            )
