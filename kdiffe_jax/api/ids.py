"""Ids of any type as text, as the data set keeps them, and back as they came in."""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import DataError

_BACK: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "integer": int,
    "float": float,
    "bool": {"True": True, "False": False}.__getitem__,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
}

_IN_NANOSECONDS = re.compile(r"\.\d{9}$")

KINDS_OF_IDS = frozenset(_BACK)
# What a frame without rows needs to be told; other ids are text there.
_DTYPES = {"integer": "int64", "float": "float64", "bool": "bool", "datetime": "datetime64[us]"}


class IdColumn(NamedTuple):
    """Where ids came from.

    Attributes:
      name: of the column; frames of results use it.
      kind: what an id was, one of `KINDS_OF_IDS`.
    """

    name: str
    kind: str = "text"

    def restored(self, texts: Iterable[str]) -> list | np.ndarray:
        """The ids as they came in; all of them as text where one was never of the column's kind.

        Of no ids an array, which says what they would be.

        >>> column = IdColumn("movieId", "integer")
        >>> column.restored(["7", "12"]), column.restored(["7", "zoe"])
        ([7, 12], ['7', 'zoe'])
        """
        texts, back = list(texts), _BACK[self.kind]
        if not texts:
            return np.empty(0, _DTYPES.get(self.kind, "str"))
        if self.kind == "datetime" and any(map(_IN_NANOSECONDS.search, texts)):
            return _in_nanoseconds(texts)
        try:
            known = {text: back(text) for text in set(texts)}
        except (ValueError, LookupError, ArithmeticError):
            return texts
        if any(as_text(value) != text for text, value in known.items()):
            return texts
        return [known[text] for text in texts]


def as_text(value: Any) -> str:
    """One id as the data set writes it.

    >>> as_text(7), as_text(7.0), as_text("7"), as_text(datetime.date(2024, 1, 31))
    ('7', '7', '7', '2024-01-31')
    >>> as_text(decimal.Decimal("0.50"))
    '0.5'

    Raises:
      DataError: no scalar, or missing.
    """
    if isinstance(value, np.datetime64):
        value = _in_microseconds(value)
        if np.datetime_data(value.dtype)[0] == "ns":
            return str(value)
    alone = hasattr(value, "item") and not getattr(value, "shape", ())
    value = value.item() if alone else value.as_py() if hasattr(value, "as_py") else value
    if value is None or (value != value) is True:
        raise DataError(f"an id is {value}; give the ids alone, without missing ones")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, str) and not value.isascii():
        _refuse_halves(value)
    if isinstance(value, str | int | float | uuid.UUID):
        return str(value)
    raise DataError(f"{value!r} is no id; give text, a number, a date or a UUID")


def _in_nanoseconds(texts: list[str]) -> list | np.ndarray:
    """Moments of pandas that Python's are too coarse for; all as text where one is no such."""
    try:
        moments = np.array(texts, "datetime64[ns]")
    except ValueError:
        return texts
    return moments if [*map(as_text, moments)] == texts else texts


def _in_microseconds(value: np.datetime64) -> np.datetime64:
    """Dates of finer units as Python has them, where that loses nothing."""
    coarser = value.astype("datetime64[us]")
    fine = np.datetime_data(value.dtype)[0] in ("ns", "ps", "fs", "as")
    return coarser if fine and coarser == value else value


def _refuse_halves(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{text!a} is no id: it holds half of a letter; mend the text") from error


def ids_as_text(values: Any, where: str) -> tuple[Any, str]:
    """A column of ids as pyarrow text, null where there is none, and what kind they were.

    Args:
      values: pyarrow array, or chunked.
      where: names the column in a refusal.

    Raises:
      DataError: values of a type that is no id.
    """
    pa, types = arrow(), arrow().types
    kind = values.type
    if types.is_dictionary(kind):
        return ids_as_text(values.cast(kind.value_type), where)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind):
        return values, "text"
    if types.is_string_view(kind):
        return values.cast(pa.string()), "text"
    if types.is_integer(kind):
        return values.cast(pa.string()), "integer"
    name = _kind_of(kind)
    if not name:
        raise DataError(f"{where}: ids of type {kind}; make them text, numbers, dates or UUIDs")
    texts = [None if value is None else as_text(value) for value in values.to_pylist()]
    return pa.array(texts, pa.string()), name


def _kind_of(kind: Any) -> str:
    types = arrow().types
    tests = {
        "float": types.is_floating,
        "bool": types.is_boolean,
        "date": types.is_date,
        "datetime": types.is_timestamp,
        "decimal": types.is_decimal,
        "uuid": lambda kind: "uuid" in str(kind),
    }
    return next((name for name, fits in tests.items() if fits(kind)), "")
