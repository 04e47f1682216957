"""Tables of frames and new rows of them, as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kdiffe_jax.data.readers.in_memory import ItemRows
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.in_memory import TableInMemory, table_in_memory
from kdiffe_jax.data.tables.text_of import text_of
from kdiffe_jax.data.tables.values import converts
from kdiffe_jax.errors import DataError

_UNITS = ("s", "ms", "us", "ns")


def joined_items(old: TableInMemory | None, new: TableInMemory | None, key: str) -> Any:
    """Items of both; where the new row of an item says nothing, the old values stay.

    Raises:
      DataError: as `joined`.
    """
    old, new = _alike(old, new)
    new = _with_old_columns(old, new, key)
    return joined(_without(old, new, key), new)


def joined(old: TableInMemory | None, new: TableInMemory | None) -> Any:
    """The rows of both; a column that one lacks is empty there, types widen.

    Raises:
      DataError: new rows have columns of other types.
    """
    if old is None or new is None:
        return old or new
    old, new = _alike(old, new)
    try:
        rows = arrow().concat_tables([old.arrays, new.arrays], promote_options="permissive")
    except arrow().ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{old.path}: new rows have columns of other types: {reason}") from error
    both = table_in_memory(old.path.name, rows)
    return dataclasses.replace(both, n_earlier=len(old.arrays))


def _alike(old: TableInMemory | None, new: TableInMemory | None):
    """Both tables, shared columns in one type where theirs mean the same and nothing is lost."""
    if old is None or new is None:
        return old, new
    before, after = _decoded(old.arrays), _decoded(new.arrays)
    for name in before.column_names:
        if name in after.column_names:
            after = _recast(after, name, _as_before(before[name].type, after[name].type))
            if (kind := _wider(before[name].type, after[name].type)) is not None:
                before, after = _recast(before, name, kind), _recast(after, name, kind)
    return dataclasses.replace(old, arrays=before), dataclasses.replace(new, arrays=after)


def _decoded(rows: Any) -> Any:
    """The table, categories as what they are categories of."""
    for name in rows.column_names:
        if arrow().types.is_dictionary(kind := rows[name].type):
            rows = _recast(rows, name, kind.value_type)
    return rows


def _recast(rows: Any, name: str, kind: Any) -> Any:
    """The table with a column in another type; as it is where its values do not convert."""
    cells = rows[name]
    if cells.type == kind or not converts(cells, kind):
        return rows
    cells = text_of(cells) if _family(kind) == "text" else cells
    return rows.set_column(rows.column_names.index(name), name, cells.cast(kind))


def _as_before(old: Any, new: Any) -> Any:
    """The type of new cells: the old one, where it means the same.

    Text is a date or a moment where all of it reads as one. A number is no moment, nor is a moment
    a date, though pyarrow makes one of the other.
    """
    return old if _means_the_same(_family(new), _family(old)) else new


def _wider(old: Any, new: Any) -> Any:
    """A type for both where neither is that of the other; None where none is needed or known.

    True and false are numbers above numbers. Moments take the finer unit, in UTC where some have
    a zone.
    """
    families = _family(old), _family(new)
    if families == ("bool", "numbers"):
        return new
    if families == ("moments", "moments") and old != new:
        unit = max(old.unit, new.unit, key=_UNITS.index)
        return arrow().timestamp(unit, "UTC" if old.tz or new.tz else None)
    return None


def _means_the_same(new: str, old: str) -> bool:
    also = {("bool", "numbers"), ("text", "dates"), ("text", "moments")}
    return new in ("null", old) or old == "text" or (new, old) in also


def _family(kind: Any) -> str:
    types = arrow().types
    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return f"lists of {_family(kind.value_type)}"
    if types.is_integer(kind) or types.is_floating(kind):
        return "numbers"
    if types.is_timestamp(kind):
        return "moments"
    if types.is_date(kind):
        return "dates"
    return "text" if "string" in str(kind) else str(kind).partition("(")[0]


def _with_old_columns(old: TableInMemory | None, new: TableInMemory | None, key: str):
    """The new rows, and where they are empty what the old table has of the same items."""
    if old is None or new is None or key not in new.names:
        return new
    pa, rows = arrow(), new.arrays
    ids = rows[key].cast(old.arrays[key].type).combine_chunks()
    place = pa.compute.index_in(ids, value_set=old.arrays[key].combine_chunks())
    for name in old.names:
        before = old.arrays[name].take(place)
        if name not in new.names:
            rows = rows.append_column(name, before)
        elif name != key:
            at = rows.column_names.index(name)
            rows = rows.set_column(at, name, _or_before(rows[name], before))
    return table_in_memory(new.path.name, rows)


def _or_before(rows: Any, before: Any) -> Any:
    """New cells, and the old ones where they are empty or blank; unlike types stay as they are."""
    pa = arrow()
    if _family(rows.type) == "null":
        return before
    if _family(rows.type) == "text":
        blank = pa.compute.equal(pa.compute.utf8_trim_whitespace(rows), "")
        rows = pa.compute.if_else(blank, pa.scalar(None, rows.type), rows)
    if not rows.null_count or _family(before.type) != _family(rows.type):
        return rows
    kind = before.type if converts(rows, before.type) else rows.type
    if not converts(before, kind):
        return rows
    one, other = (cells.cast(kind).combine_chunks() for cells in (rows, before))
    at = np.arange(len(one)) + len(one) * one.is_null().to_numpy(zero_copy_only=False)
    return pa.concat_arrays([one, other]).take(pa.array(at))


def _without(old: TableInMemory | None, new: TableInMemory | None, key: str):
    """The rows of items that the new table does not hold."""
    if old is None or new is None or key not in new.names:
        return old
    pa = arrow()
    known = pa.compute.is_in(old.arrays[key], value_set=new.arrays[key].combine_chunks())
    return table_in_memory(old.path.name, old.arrays.filter(pa.compute.invert(known)))


def joined_features(
    old: Mapping[str, ItemRows], new: Mapping[str, ItemRows]
) -> dict[str, ItemRows]:
    """The rows of both; a new row of an item replaces the old one.

    Raises:
      DataError: rows of another width.
    """
    found = dict(old)
    for modality, rows in new.items():
        if modality in found:
            before = found[modality]
            wide, new_wide = before.rows.shape[1], rows.rows.shape[1]
            if wide != new_wide:
                raise DataError(
                    f"features {modality!r}: the new rows are {new_wide} wide, those of the model "
                    f"{wide}"
                )
            again = set(rows.ids)
            stay = [at for at, name in enumerate(before.ids) if name not in again]
            ids = (*(before.ids[at] for at in stay), *rows.ids)
            rows = ItemRows(ids, np.concatenate([before.rows[stay], rows.rows]))
        found[modality] = rows
    return found
