"""Dense features as people have them -> one row an item id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kdiffe_jax.api.frames import is_frame, to_arrow
from kdiffe_jax.api.ids import as_text, ids_as_text
from kdiffe_jax.data.readers.in_memory import ItemRows
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import DataError

_FORMS = (
    "give a matrix with one row for each row of the items, (ids, matrix), {id: vector}, a frame "
    "with a column of item ids, or the name of a column of vectors of the items"
)


def item_rows(modality: str, given: Any, items: Any, columns: TableColumns) -> ItemRows:
    """The features of one modality by item.

    Args:
      modality: its name, for messages.
      given: one of the forms that `_FORMS` lists.
      items: pyarrow table of items, its ids as text; None where there is none.
      columns: says which column of a frame is the item id.

    Raises:
      DataError: another form, vectors of different lengths, a missing id, no items where they
        are needed.
    """
    where = f"features {modality!r}"
    if isinstance(given, str):
        return _of_column(given, items, columns, where)
    if is_frame(given):
        return _of_frame(to_arrow(given, where), columns, where)
    if isinstance(given, Mapping):
        there = [(as_text(name), row) for name, row in given.items() if row is not None]
        return ItemRows(tuple(name for name, _ in there), _matrix([row for _, row in there], where))
    if isinstance(given, tuple) and len(given) == 2:
        ids, rows = given
        one = not isinstance(ids, Iterable) or getattr(ids, "ndim", None) == 0
        if one or isinstance(ids, str | bytes):
            raise DataError(f"{where}: {ids!r} stands for ids, and is no list of them; {_FORMS}")
        return ItemRows(tuple(map(as_text, ids)), _matrix(rows, where))
    if items is None:
        raise DataError(f"{where}: without items the order of its rows is not known; {_FORMS}")
    return ItemRows(_ids(items, columns, where), _matrix(given, where))


def _of_column(name: str, items: Any, columns: TableColumns, where: str) -> ItemRows:
    if items is None or name not in items.column_names:
        there = "no items are given" if items is None else f"they have {items.column_names}"
        raise DataError(f"{where}: the items have no column {name!r}: {there}; {_FORMS}")
    return _of_vectors(_ids(items, columns, where), items[name], where)


def _of_frame(table: Any, columns: TableColumns, where: str) -> ItemRows:
    key = columns.find("item", table.column_names)
    if not key or key not in table.column_names:
        raise DataError(f"{where}: no column of item ids among {table.column_names}; {_FORMS}")
    ids = tuple(ids_as_text(table[key], f"{where}, column {key!r}")[0].to_pylist())
    if None in ids:
        raise DataError(f"{where}, row {ids.index(None) + 1}: the item id is missing")
    others = [table[name] for name in table.column_names if name != key]
    if len(others) == 1 and _value_type(others[0]) is not None:
        return _of_vectors(ids, others[0], where)
    if not others:
        raise DataError(f"{where}: no column beside the item ids; {_FORMS}")
    try:
        rows = np.stack([column.to_numpy() for column in others], axis=1)
    except TypeError as error:
        raise _no_numbers(where) from error
    return ItemRows(ids, _matrix(rows, where))


def _of_vectors(ids: tuple[str, ...], column: Any, where: str) -> ItemRows:
    """The rows of a column of vectors, in their type; an item without a vector is left out."""
    vectors = column.to_pylist()
    there = [row for row, vector in enumerate(vectors) if vector is not None]
    rows = _matrix([vectors[row] for row in there], where)
    kept = np.dtype(kind.to_pandas_dtype()) if (kind := _value_type(column)) else rows.dtype
    rows = rows.astype(kept) if kept.kind == rows.dtype.kind == "f" else rows
    return ItemRows(tuple(ids[row] for row in there), rows)


def _value_type(column: Any) -> Any:
    """What a column of lists holds; None where it is none of lists."""
    return getattr(column.type, "value_type", None) if "list" in str(column.type) else None


def _ids(items: Any, columns: TableColumns, where: str) -> tuple[str, ...]:
    key = columns.find("item", items.column_names)
    if not key or key not in items.column_names:
        raise DataError(f"{where}: the items have no column of ids; name it by item_column")
    return tuple(items[key].to_pylist())


def _matrix(rows: Any, where: str) -> np.ndarray:
    """The rows as an array that nobody else changes."""
    if np.ma.is_masked(rows):
        raise DataError(f"{where}: some values are masked; leave those items out, or fill them")
    try:
        frozen = isinstance(rows, np.ndarray) and not rows.flags.writeable
        matrix = np.asarray(rows) if frozen else np.array(rows)
    except ValueError as error:
        raise DataError(f"{where}: vectors of different lengths; one length is needed") from error
    objects = matrix.flat if matrix.dtype.kind == "O" else ()
    if matrix.ndim != 2 or any(isinstance(value, str) for value in objects):
        raise _no_numbers(where)
    try:
        return matrix.astype(np.float32) if matrix.dtype.kind == "O" else matrix
    except (TypeError, ValueError) as error:
        raise _no_numbers(where) from error


def _no_numbers(where: str) -> DataError:
    return DataError(
        f"{where}: expected a matrix of numbers, one row an item; of a sparse one, give .toarray()"
    )
