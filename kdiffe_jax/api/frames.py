"""Data frames of pandas, polars and pyarrow -> pyarrow tables, and columns -> frames."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import ConfigError, DataError

KINDS = ("pandas", "polars", "pyarrow")
_LARGEST_SIGNED = 2**63 - 1
_FRAMES = ("DataFrame", "LazyFrame", "Table", "RecordBatch")


def is_frame(given: Any) -> bool:
    """Whether something is a frame of one of `KINDS`, or of a class that is made of one."""
    return _class_of(given) is not None


def _class_of(given: Any) -> tuple[str, str] | None:
    """Of `KINDS` and of `_FRAMES`; None of what is no frame."""
    bases = ((b.__module__.partition(".")[0], b.__name__) for b in type(given).__mro__)
    return next((found for found in bases if found[0] in KINDS and found[1] in _FRAMES), None)


def kind_of(frame: Any, what: str) -> str:
    """Which of `KINDS` a frame is.

    Args:
      frame: any.
      what: names it in a refusal.

    Raises:
      DataError: it is none.
    """
    if (found := _class_of(frame)) is not None:
        return found[0]
    raise DataError(
        f"{what}: a {type(frame).__name__}; give a DataFrame of pandas or polars, or a table of "
        "pyarrow"
    )


def default_kind() -> str:
    """What frames are made of where none came in: the first of `KINDS` that is installed."""
    return next(kind for kind in KINDS if importlib.util.find_spec(kind))


def to_arrow(frame: Any, what: str):
    """A pyarrow Table of all columns; an index of pandas does not count.

    What is changed in a frame of pandas afterwards does not change it.

    Raises:
      DataError: no frame, two columns of one name, a column of mixed types.
    """
    kind_of(frame, what)
    if _class_of(frame) == ("polars", "LazyFrame"):
        frame = frame.collect()
    if _class_of(frame) == ("pyarrow", "RecordBatch"):
        frame = arrow().Table.from_batches([frame])
    names = frame.column_names if kind_of(frame, what) == "pyarrow" else frame.columns
    names = [str(name) for name in names]
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"{what}: two columns are called {name!r}; rename one")
    frame = frame.copy() if kind_of(frame, what) == "pandas" else frame
    columns = _narwhals().from_native(frame, eager_only=True).iter_columns()
    return arrow().table({str(column.name): _values(column, what) for column in columns})


def beside_ids(ids: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of ids, and ours; where an id has the name of one of ours, that gets a `_`.

    >>> [*beside_ids({"user": [1], "rank": ["a"]}, {"rank": [1], "score": [0.5]})]
    ['user', 'rank', 'rank_', 'score']
    """
    columns = dict(ids)
    for name, values in own.items():
        while name in columns:
            name += "_"
        columns[name] = values
    return columns


def frame_of(columns: Mapping[str, Any], kind: str) -> Any:
    """A frame of one of `KINDS`, from lists or arrays of one length.

    Raises:
      ConfigError: the library is not installed.
    """
    if importlib.util.find_spec(kind) is None:
        raise ConfigError(f"a frame of {kind} needs {kind}: pip install {kind}")
    fitting = {name: _of_64_bits(values) for name, values in columns.items()}
    return _narwhals().from_dict(fitting, backend=kind).to_native()


def _of_64_bits(values: Any) -> Any:
    """Whole numbers above the signed ones in the type that holds them."""
    whole = isinstance(values, list) and values and isinstance(values[0], int)
    return np.array(values, np.uint64) if whole and max(values) > _LARGEST_SIGNED else values


def _values(column, what: str):
    """A column as pyarrow has it; objects that are no values of one type are refused."""
    pa = arrow()
    try:
        values = column.to_arrow() if _has_arrow(column) else pa.array(column.to_list())
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        values = _of_objects(column.to_list(), f"{what}, column {column.name!r}", error)
    if _is_of_intervals(values.type):
        texts = [None if value is None else str(value) for value in column.to_list()]
        values = pa.array(texts, pa.string())
    if pa.types.is_floating(values.type):
        values = pa.compute.if_else(pa.compute.is_nan(values), None, values)
    return values


def _has_arrow(column) -> bool:
    """Not of sparse columns of pandas, nor of Python's objects in polars, whose addresses it is."""
    if column.implementation.is_polars():
        return str(column.dtype) != "Object"
    pandas = column.implementation.is_pandas()
    return not (pandas and str(column.to_native().dtype).startswith("Sparse"))


def _is_of_intervals(kind) -> bool:
    kind = kind.value_type if arrow().types.is_dictionary(kind) else kind
    return "interval" in str(kind) and isinstance(kind, arrow().BaseExtensionType)


def _of_objects(values: list, where: str, error: Exception):
    """Text of objects that have one: identifiers such as UUIDs, all of one type."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {UUID}:
        return arrow().array([None if value is None else str(value) for value in values])
    if kinds == {int}:
        raise DataError(f"{where}: holds numbers of more than 64 bits; make it text") from error
    if kinds == {str}:
        raise DataError(f"{where}: text with half of a letter; mend it") from error
    names = " and ".join(sorted(kind.__name__ for kind in kinds))
    raise DataError(f"{where}: holds {names}; make it a column of one type") from error


def _narwhals():
    try:
        import narwhals
    except ImportError as error:
        raise DataError("frames need narwhals: pip install 'kdiffe_jax[tables]'") from error
    return narwhals
