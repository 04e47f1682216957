"""Triples of a prepared directory, and which of its entities are items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.plain_files import first_row, read_integers
from kdiffe_jax.data.rows import check_ids, sorted_unique
from kdiffe_jax.errors import DataError

_ANY = np.iinfo(np.int32).max


def read_triples(
    file: Path, manifest: Mapping[str, Any], n_relations: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """int32[m, 3] of (item, relation, entity), sorted and unique; whether each is relevant.

    Args:
      file: may be missing, where there are none.
      manifest: with the numbers of items and entities.
      n_relations: 0 where they have no names, so that any may occur.

    Raises:
      DataError: the file is malformed, an id is outside, or a triple is both relevant and not.
    """
    if not file.exists():
        return np.zeros((0, 3), np.int32), None
    planted = len(first_row(file).split("\t")) == 4
    rows = read_integers(file, 4 if planted else 3)
    limits = (manifest["items"], n_relations or _ANY, manifest["entities"])
    columns = ("item", "relation (a line of relations.tsv)", "entity")
    check_ids(rows[:, :3], str(file), columns, limits, first_row=1)
    if not planted:
        return sorted_unique(rows), None
    wrong = rows[:, 3] > 1
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{file}, row {row + 1}: the fourth column is {rows[row, 3]}; write 0 or 1")
    ordered = sorted_unique(rows)
    if len(sorted_unique(ordered[:, :3])) != len(ordered):
        raise DataError(f"{file}: a triple is marked both relevant and not; keep one of the two")
    return np.ascontiguousarray(ordered[:, :3]), ordered[:, 3].astype(bool)


def read_entity_items(file: Path, n_entities: int) -> np.ndarray | None:
    """int32[E], the item that each entity is, else -1; None where there is no file.

    Raises:
      DataError: the file is malformed, or an entity is two items.
    """
    if not file.exists():
        return None
    rows = sorted_unique(read_integers(file, 2))
    if len(rows) and rows[-1, 0] >= n_entities:
        raise DataError(f"{file}: entity {rows[-1, 0]} is outside 0..{n_entities - 1}")
    twice = np.flatnonzero(np.diff(rows[:, 0]) == 0)
    if len(twice):
        raise DataError(f"{file}: entity {rows[twice[0], 0]} is two items; keep one of the lines")
    entity_items = np.full(n_entities, -1, np.int32)
    entity_items[rows[:, 0]] = rows[:, 1]
    return entity_items
