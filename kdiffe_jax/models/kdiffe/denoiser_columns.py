"""Which column of the denoiser's row an entity has, where there are fewer columns than entities."""

from __future__ import annotations

import numpy as np


def number_of_columns(asked: int, n_entities: int) -> int:
    """Columns of the denoiser's row: those asked for, at most one an entity; 0 asks for all.

    >>> number_of_columns(0, 7), number_of_columns(4, 7), number_of_columns(9, 7)
    (7, 4, 7)
    """
    return min(asked, n_entities) or n_entities


def entity_columns(triples: np.ndarray, *, n_entities: int, n_columns: int) -> np.ndarray:
    """The column of every entity.

    With as many columns as entities each has that of its id. Otherwise the entities of most
    items have half of the columns to themselves, and all others are dealt round to the other
    half by their number of items, so that columns are equally loaded.

    Args:
      triples: int[n, 3] of (item, relation, entity).
      n_entities: E.
      n_columns: C, at most E.

    Returns:
      int32[E] of 0 .. C - 1.

    >>> triples = np.array([(0, 0, 4), (1, 0, 4), (0, 0, 2), (1, 0, 2), (1, 0, 3)])
    >>> entity_columns(triples, n_entities=6, n_columns=4).tolist()
    [3, 2, 0, 2, 1, 3]
    """
    ids = np.arange(n_entities, dtype=np.int32)
    if n_columns == n_entities:
        return ids
    known = np.unique(triples[:, 0].astype(np.int64) * n_entities + triples[:, 2])
    n_items = np.bincount(known % n_entities, minlength=n_entities)
    own = n_columns // 2
    columns = np.empty_like(ids)
    columns[np.argsort(-n_items, kind="stable")] = np.where(
        ids < own, ids, own + (ids - own) % (n_columns - own)
    )
    return columns
