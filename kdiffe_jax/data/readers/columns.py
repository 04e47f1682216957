"""Tab-separated tables with a header: columns of text, converted or refused by line."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from kdiffe_jax.data.readers.lines import LARGEST_ID, line_chunks
from kdiffe_jax.errors import DataError

_WHOLE = re.compile(r"\d{1,18}", re.ASCII).fullmatch
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII).fullmatch
_LATEST = 2**62


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of some rows of a table, as text.

    Attributes:
      file, name: where it stands, for messages.
      texts: one a row.
      lines: the line of each row, from 1.
    """

    file: Path
    name: str
    texts: Sequence[str]
    lines: Sequence[int]

    def refuse(self, row: int, expected: str) -> NoReturn:
        """Raises the `DataError` that names a row of this column."""
        raise DataError(
            f"{self.file}, line {self.lines[row]}: {self.name} is {self.texts[row][:60]!r}, "
            f"expected {expected}"
        )

    def refuse_first(self, bad: Iterable[bool], expected: str) -> None:
        """Raises for the first bad row, if there is one."""
        row = next(itertools.compress(itertools.count(), bad), None)
        if row is not None:
            self.refuse(row, expected)

    def tokens(self) -> Sequence[str]:
        """The texts, none of them empty."""
        self.refuse_first((not text or text.isspace() for text in self.texts), "a name")
        return self.texts

    def integers(self, largest: int = LARGEST_ID) -> np.ndarray:
        """int64[n], each in 0..largest."""
        expected = f"a whole number in 0..{largest}"
        self.refuse_first((not _WHOLE(text) for text in self.texts), expected)
        values = np.fromiter(map(int, self.texts), np.int64, len(self.texts))
        self.refuse_first(values > largest, expected)
        return values

    def numbers(self) -> np.ndarray:
        """float64[n], all finite."""
        values = np.fromiter(map(_float_or_nan, self.texts), np.float64, len(self.texts))
        self.refuse_first(~np.isfinite(values), "a finite number")
        return values

    def ratings(self) -> np.ndarray:
        """float32[n], finite, or NaN where the text is empty."""
        given = np.fromiter(map(bool, self.texts), bool, len(self.texts))
        values = np.fromiter(map(_float_or_nan, self.texts), np.float64, len(self.texts))
        with np.errstate(over="ignore"):
            ratings = values.astype(np.float32)
        self.refuse_first(given & ~np.isfinite(ratings), "a finite number, or nothing")
        return ratings

    def times(self) -> np.ndarray:
        """int64[n] where all are integers, else float64[n]; less than 2**62 either way."""
        whole = all(map(_INTEGER, self.texts))
        values = list(map(int, self.texts)) if whole else self.numbers()
        self.refuse_first((abs(value) >= _LATEST for value in values), "a time below 2**62")
        return np.array(values, np.int64 if whole else np.float64)


class Table(NamedTuple):
    """An open table: its file, the names of its columns, and its rows to be read once."""

    file: Path
    header: tuple[str, ...]
    chunks: Iterator[dict[str, Column]]


class Numbering:
    """Texts numbered from 0 in the order in which they first occur.

    >>> users = Numbering()
    >>> users.ids(["ann", "bob", "ann"]).tolist(), users.names
    ([0, 1, 0], ('ann', 'bob'))
    >>> users.known(["carl", "bob"]).tolist()
    [-1, 1]
    """

    def __init__(self):
        self._ids: defaultdict[str, int] = defaultdict()
        self._ids.default_factory = self._ids.__len__

    @property
    def names(self) -> tuple[str, ...]:
        """The texts by number."""
        return tuple(self._ids)

    def ids(self, texts: Sequence[str]) -> np.ndarray:
        """int32[n]; texts not seen before get the next numbers."""
        return np.fromiter(map(self._ids.__getitem__, texts), np.int32, len(texts))

    def known(self, texts: Sequence[str]) -> np.ndarray:
        """int32[n]; -1 for texts that were never numbered."""
        numbers = map(self._ids.get, texts, itertools.repeat(-1))
        return np.fromiter(numbers, np.int32, len(texts))

    def number(self, column: Column) -> np.ndarray:
        """The ids of a column of names, int32[n].

        Raises:
          DataError: an empty name.
        """
        return self.ids(column.tokens())


def open_table(file: Path, delimiter: str = "\t") -> Table:
    """Opens a table; quotes mean nothing, blank lines are skipped.

    Raises:
      DataError: what `line_chunks` finds; a header without names or with one twice; later,
        with the chunks, a line with another number of columns.
    """
    chunks = line_chunks(file)
    number, lines = next(chunks)
    header = tuple(name.strip() for name in lines[0].split(delimiter))
    if not all(header) or len(set(header)) < len(header):
        raise DataError(
            f"{file}, line 1: {lines[0][:60]!r}: expected a header of different column names"
        )
    rest = itertools.chain([(number + 1, lines[1:])], chunks)
    return Table(file, header, (_columns(file, header, delimiter, *chunk) for chunk in rest))


def read_columns(
    table: Table, converters: Mapping[str, Callable[[Column], np.ndarray]]
) -> dict[str, np.ndarray]:
    """Some columns of a table, each as the array that its converter makes of the text."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in converters}
    for chunk in table.chunks:
        for name, convert in converters.items():
            parts[name].append(convert(chunk[name]))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _columns(
    file: Path, header: tuple[str, ...], delimiter: str, first: int, lines: list[str]
) -> dict[str, Column]:
    numbers = [n for n, line in enumerate(lines, start=first) if line.strip(" ")]
    lines = [line for line in lines if line.strip(" ")]
    widths = [line.count(delimiter) + 1 for line in lines]
    for number, width in zip(numbers, widths, strict=True):
        if width != len(header):
            raise DataError(f"{file}, line {number}: {width} columns, the header has {len(header)}")
    fields = delimiter.join(lines).split(delimiter) if lines else []
    return {
        name: Column(file, name, fields[position :: len(header)], numbers)
        for position, name in enumerate(header)
    }


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
