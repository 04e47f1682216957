"""Dense features as people have them -> one row an item id."""

from __future__ import annotations

from collections.abc import Mapping
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
      DataError: another form, vectors of different lengths, no items where they are needed.
    """
    where = f"features {modality!r}"
    if isinstance(given, str):
        return _of_column(given, items, columns, where)
    if is_frame(given):
        return _of_frame(to_arrow(given, where), columns, where)
    if isinstance(given, Mapping):
        return ItemRows(tuple(map(as_text, given)), _matrix(list(given.values()), where))
    if isinstance(given, tuple) and len(given) == 2:
        ids, rows = given
        return ItemRows(tuple(map(as_text, ids)), _matrix(rows, where))
    if items is None:
        raise DataError(f"{where}: without items the order of its rows is not known; {_FORMS}")
    return ItemRows(_ids(items, columns, where), _matrix(given, where))


def _of_column(name: str, items: Any, columns: TableColumns, where: str) -> ItemRows:
    if items is None or name not in items.column_names:
        there = "no items are given" if items is None else f"they have {items.column_names}"
        raise DataError(f"{where}: the items have no column {name!r}: {there}; {_FORMS}")
    return _without_missing(_ids(items, columns, where), items[name].to_pylist(), where)


def _of_frame(table: Any, columns: TableColumns, where: str) -> ItemRows:
    key = columns.find("item", table.column_names)
    if not key or key not in table.column_names:
        raise DataError(f"{where}: no column of item ids among {table.column_names}; {_FORMS}")
    ids = tuple(ids_as_text(table[key], f"{where}, column {key!r}")[0].to_pylist())
    others = [table[name].to_pylist() for name in table.column_names if name != key]
    if len(others) == 1 and others[0] and isinstance(others[0][0], list):
        return _without_missing(ids, others[0], where)
    return ItemRows(ids, _matrix(np.array(others, object).T.tolist(), where))


def _without_missing(ids: tuple[str, ...], vectors: list, where: str) -> ItemRows:
    there = [row for row, vector in enumerate(vectors) if vector is not None]
    rows = _matrix([vectors[row] for row in there], where)
    return ItemRows(tuple(ids[row] for row in there), rows)


def _ids(items: Any, columns: TableColumns, where: str) -> tuple[str, ...]:
    key = columns.find("item", items.column_names)
    if not key or key not in items.column_names:
        raise DataError(f"{where}: the items have no column of ids; name it by item_column")
    return tuple(items[key].to_pylist())


def _matrix(rows: Any, where: str) -> np.ndarray:
    try:
        matrix = np.asarray(rows)
    except ValueError as error:
        raise DataError(f"{where}: vectors of different lengths; one length is needed") from error
    return matrix.astype(np.float32) if matrix.dtype.kind == "O" else matrix
