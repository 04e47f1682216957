"""Tables and arrays in memory -> `Catalogue`: what `readers/tables.py` does with a directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.extra_files import rows_by_id
from kdiffe_jax.data.readers.arrays import checked_feature, feature_file_name
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import join_items, read_item_table, with_new_items
from kdiffe_jax.data.readers.link_table import add_triples
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.in_memory import TableInMemory
from kdiffe_jax.errors import ConfigError, DataError


class ItemRows(NamedTuple):
    """Dense features by item."""

    ids: tuple[str, ...]  #: the item of each row, unique
    rows: np.ndarray  #: float[n, width]


class SourceTables(NamedTuple):
    """What a person brings; tables as pyarrow has them, all but the interactions optional."""

    interactions: TableInMemory
    items: TableInMemory | None = None
    triples: TableInMemory | None = None
    features: Mapping[str, ItemRows] = {}


def read_source_tables(
    source: SourceTables, columns: TableColumns, *, name: str, shared_ids: bool = False
) -> Catalogue:
    """Reads what a directory of tables of the same content gives, in the same order.

    Args:
      source: tables and features.
      columns: which columns hold what.
      name: of the data set.
      shared_ids: whether entities that are called as items are these; see `add_triples`.

    Raises:
      DataError: a table is malformed, tables contradict one another, features without any
        known item or of a name that can be no part of a file's name.
      ConfigError: shared ids without triples.
    """
    if shared_ids and source.triples is None:
        raise ConfigError("--kg_ids=shared has no effect: there are no triples")
    of_interactions = [source.interactions.path]
    catalogue = read_interactions(
        of_interactions, columns, name=name, opened=lambda path: source.interactions
    )
    if (items := source.items) is not None:
        table = read_item_table(items.path, columns, opened=lambda path: items)
        catalogue = join_items(with_new_items(catalogue, table), table)
    if (triples := source.triples) is not None:
        catalogue = add_triples(
            catalogue,
            triples.path,
            opened=lambda path: triples,
            columns=columns,
            shared_ids=shared_ids,
        )
    for modality, given in sorted(source.features.items()):
        catalogue = _with_features(catalogue, modality, given)
    return catalogue


def _with_features(catalogue: Catalogue, modality: str, given: ItemRows) -> Catalogue:
    feature_file_name(modality)
    where = f"features {modality!r}"
    if len(set(given.ids)) < len(given.ids):
        twice = next(name for name, rows in Counter(given.ids).items() if rows > 1)
        raise DataError(f"{where}: item {twice!r} has two rows; keep one")
    rows = checked_feature(given.rows, len(given.ids), where, given.ids)
    path = Path(where)
    placed, notes = rows_by_id(rows, given.ids, catalogue, path, path)
    return catalogue.extended(features={**catalogue.features, modality: placed}, notes=notes)
