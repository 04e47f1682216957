"""Tables of items, one row an item: their texts, and which of them are names and pictures."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.content.html_texts import without_references
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Progress, Table, open_table
from kdiffe_jax.data.tables.ids import GrowingIds, known_positions, unknown_note
from kdiffe_jax.data.tables.missing import without_missing, without_nan
from kdiffe_jax.data.tables.near_twins import collision_note
from kdiffe_jax.data.tables.values import LIST_MARK, depth, list_texts, texts
from kdiffe_jax.errors import DataError, listed


class ItemTable(NamedTuple):
    """What a table says of items.

    Attributes:
      path: the file.
      ids: one a row, unique.
      columns: every other column that can be read as text, one text a row.
      names, pictures: which of the columns hold them; empty where there is none. Of a list
        the first value is shown.
      notes: what was left out.
    """

    path: Path
    ids: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    names: str
    pictures: str
    notes: tuple[str, ...]


def read_item_table(
    path: str | Path,
    columns: TableColumns,
    progress: Progress | None = None,
    *,
    opened: Callable[[Path], Table] | None = None,
    first_counts: bool = False,
) -> ItemTable:
    """Reads a table of items; see `open_table` for its kinds.

    Args:
      path: the table, with a header even where interactions have none.
      columns: says which column is the item id, which are paths, and what separates values.
      progress: receives (rows done, bytes done, bytes in all).
      opened: opens the table; by default `open_table`.
      first_counts: whether an item's first row counts where it has several; else they are refused.

    Raises:
      DataError: no column of item ids, an item that has two rows, a malformed table.
    """
    if columns.by_number:
        columns = dataclasses.replace(columns, item_column="")
    opened = opened or partial(open_table, separator=columns.field_separator, quote=columns.quote)
    table = opened(Path(path))
    key = columns.find("item", table.names)
    if not key:
        raise DataError(
            f"{path}: no column of item ids; name one of {listed(table.names)} by --item_column"
        )
    readable = [n for n in dict.fromkeys(table.names) if n and n not in table.without_text]
    others = [name for name in readable if name != key]
    pictures = columns.find("item_picture", others)
    missing = columns.missing_words
    ids, gone = GrowingIds("item", missing), Counter[str]()
    rows: dict[str, list[str]] = {name: [] for name in others}
    referring = 0
    for part in table.parts([key, *others]):
        ids.add(part.columns[key], part.place)
        for name in others:
            given = without_nan(part.columns[name])
            values = without_missing(given, missing)
            gone[name] += values.null_count - given.null_count
            if depth(values.type) and (columns.has_values(name) or name == pictures):
                found = list_texts(values, part.place)
            else:
                found = texts(values, part.place, _separators(columns, name, values))
            plain, changed = without_references(found)
            rows[name] += plain
            referring += changed
        part.report(progress)
    codes, unique = ids.finish()
    if not unique:
        raise DataError(f"{path}: it has no row below the header; fill it or remove it")
    firsts = np.unique(codes, return_index=True)[1]
    notes = []
    if len(unique) < len(codes):
        if not first_counts:
            raise _repeated(codes, firsts, unique, table)
        again = len(codes) - len(unique)
        notes.append(f"{table.path.name}: {again} rows name an item again; the first row counts")
    if referring:
        notes.append(
            f"{table.path.name}: character references of HTML, such as &amp;, in {referring} texts "
            "are read as what they stand for"
        )
    if any(gone.values()):
        counted = ", ".join(f"{name} ({n})" for name, n in gone.items() if n)
        notes.append(f"{table.path.name}: words for a missing value count as none: {counted}")
    if ignored := ", ".join(sorted(table.without_text)):
        notes.append(f"{table.path.name}: ignored {ignored}, neither text nor numbers")
    return ItemTable(
        table.path,
        unique,
        {name: tuple(values[row] for row in firsts) for name, values in rows.items()},
        columns.find("item_name", others),
        pictures,
        tuple(notes),
    )


def with_new_items(catalogue: Catalogue, table: ItemTable) -> Catalogue:
    """The table's items that nobody interacted with, after those that are known already."""
    found = known_positions(table.ids, catalogue.item_ids, table.path)
    new = tuple(table.ids[row] for row in (found < 0).nonzero()[0].tolist())
    if not new:
        return catalogue
    item_ids = (*catalogue.item_ids, *new)
    notes = [f"{table.path.name}: {len(new)} items without interactions"]
    collisions = collision_note("items", item_ids)
    if collisions and collisions not in catalogue.notes:
        notes.append(collisions)
    none = [""] * len(new)
    return catalogue.extended(
        item_ids=item_ids,
        columns={name: (*known, *none) for name, known in catalogue.columns.items()},
        item_names=catalogue.item_names and (*catalogue.item_names, *none),
        item_pictures=catalogue.item_pictures and (*catalogue.item_pictures, *none),
        notes=notes,
    )


def join_items(catalogue: Catalogue, table: ItemTable) -> Catalogue:
    """The catalogue with all that a table says of its items; other items are dropped.

    Texts of the table replace those that a column of the same name holds already; where
    the table has none, they stay. Notes say what was replaced and dropped.

    Raises:
      DataError: no row is about an item of the catalogue, or there is no column of the name
        that was given for names or pictures.
    """
    at = known_positions(table.ids, catalogue.item_ids, table.path)
    notes = [*table.notes, unknown_note(table.path, table.ids, at, known=catalogue.item_ids)]
    columns = dict(catalogue.columns)
    for name, values in table.columns.items():
        columns[name], replaced = _placed(columns.get(name, ()), values, at, catalogue.n_items)
        if replaced:
            notes.append(f"{table.path.name}: {replaced} texts of {name!r} replace earlier ones")
    shown = {
        field: _shown(getattr(catalogue, field), table, column, at, catalogue.n_items)
        for field, column in (("item_names", table.names), ("item_pictures", table.pictures))
    }
    return catalogue.extended(columns=columns, notes=notes, files=[table.path.name], **shown)


def _separators(columns: TableColumns, name: str, values) -> tuple[str, ...]:
    """What joins the lists of a column: a list of lists is a list of paths."""
    if depth(values.type) == 2:
        return columns.path_separator, columns.list_separator
    return (columns.path_separator if columns.is_path(name) else columns.list_separator,)


def _repeated(
    codes: np.ndarray, firsts: np.ndarray, ids: tuple[str, ...], table: Table
) -> DataError:
    again = int(np.setdiff1d(np.arange(len(codes)), firsts)[0])
    first = int(firsts[codes[again]])
    return DataError(
        f"{table.path}, row {table.first_row + again}: item {ids[codes[again]][:60]!r} has row "
        f"{table.first_row + first} already; keep one of the two"
    )


def _placed(
    known: tuple[str, ...], values: tuple[str, ...], at: np.ndarray, n_items: int
) -> tuple[tuple[str, ...], int]:
    """Texts by item, the values over the known ones, and how many were replaced by others."""
    placed, replaced = list(known) or [""] * n_items, 0
    for item, text in zip(at.tolist(), values, strict=True):
        if item >= 0 and text:
            replaced += placed[item] not in ("", text)
            placed[item] = text
    return tuple(placed), replaced


def _shown(
    known: tuple[str, ...], table: ItemTable, column: str, at: np.ndarray, n_items: int
) -> tuple[str, ...]:
    """Names or pictures by item, those of the table's column over the known ones."""
    if column in table.columns:
        return _placed(known, tuple(map(_first, table.columns[column])), at, n_items)[0]
    if column and not known:
        there = listed(table.columns)
        raise DataError(f"{table.path}: no column {column!r}; it has {there}")
    return known


def _first(text: str) -> str:
    """The first value of a list, on one line; of another text the text."""
    if not text.startswith(LIST_MARK):
        return text
    found = json.loads(text[1:])
    while isinstance(found, list):
        found = next(filter(None, found), "")
    return " ".join(found.split())
