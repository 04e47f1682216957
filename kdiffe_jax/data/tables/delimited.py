"""Tables of any size, read in pieces: CSV, TSV, lines of JSON, packed or not, and Parquet."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.tables import json_lines, parquet, text_table
from kdiffe_jax.data.tables.packed import DAMAGED, ENDINGS, first_bytes
from kdiffe_jax.data.tables.values import equals
from kdiffe_jax.errors import DataError, listed

_KINDS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".json")
SUFFIXES = (*(kind + packed for kind in _KINDS for packed in ENDINGS), ".parquet")

Progress = Callable[[int, int, int], None]


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows of a table.

    Attributes:
      path: of the table.
      columns: name -> pyarrow array, one value a row. Text in a text table; in Parquet
        what is stored there, its text verified to be UTF-8.
      first_row: number of the first row as people count: from 1, and a header counts.
        Blank lines do not.
      rows_done, bytes_done: how far into the table this part reaches; bytes about.
    """

    path: Path
    columns: Mapping[str, Any]
    first_row: int
    rows_done: int
    bytes_done: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def report(self, progress: Progress | None) -> None:
        """Tells `progress` (rows done, bytes done, bytes in all), where there is one."""
        if progress:
            progress(self.rows_done, self.bytes_done, self.path.stat().st_size)

    def place(self, index: int) -> str:
        """File and row of one of the rows, for a message."""
        return f"{self.path}, row {self.first_row + index}"


@dataclasses.dataclass(frozen=True)
class Table:
    """A file that was opened: its columns are known, its rows not read.

    Attributes:
      path: the file.
      names: of the columns; "0", "1", ... where the file has no header.
      first_row: number of the first row of data, see `Part`.
      delimiter: between the fields of a text table, empty for another.
      header: what the first row says; empty where there is none, or where it says `names`.
      without_text: columns that hold neither text nor numbers nor lists of them.
      quote: what double quotes around a field of a text table mean, see `open_table`.
      pieces: gives arrays of the columns and the bytes done; None for a text table.
    """

    path: Path
    names: tuple[str, ...]
    first_row: int
    delimiter: str
    without_text: frozenset[str] = frozenset()
    quote: str = "auto"
    pieces: Callable[[Sequence[str]], Iterator[tuple[list, int]]] | None = None
    header: tuple[str, ...] = ()

    def check_columns(self, columns: Sequence[str]) -> None:
        """Refuses columns that the table does not have, or has twice.

        Raises:
          DataError: lists the columns there are.
        """
        for column in columns:
            times = self.names.count(column)
            if times == 0:
                raise DataError(f"{self.path}: no column {column!r}; it has {listed(self.names)}")
            if times > 1:
                raise DataError(
                    f"{self.path}: {times} columns are called {column[:60]!r}; rename them"
                )

    def parts(self, columns: Sequence[str]) -> Iterator[Part]:
        """The rows in order, only these columns; no rows or no columns are no part.

        Raises:
          DataError: a column the table does not have, a malformed row, a row that repeats the
            header, a broken file.
        """
        self.check_columns(columns)
        if not columns:
            return
        if self.pieces:
            pieces = self.pieces(columns)
        else:
            chosen = [self.names.index(column) for column in columns]
            layout = text_table.Layout(
                self.delimiter, len(self.names), self.first_row > 1, self.quote
            )
            pieces = text_table.read_pieces(self.path, layout, chosen)
        done = 0
        for arrays, bytes_done in pieces:
            row, done = self.first_row + done, done + len(arrays[0])
            named = dict(zip(columns, arrays, strict=True))
            part = Part(self.path, named, row, done, bytes_done)
            self.refuse_header(part)
            yield part

    def refuse_header(self, part: Part) -> None:
        """Refuses a row that says what the columns are called, as where two files were joined.

        Columns that are called by numbers alone have such rows among their data.

        Raises:
          DataError: names the row.
        """
        called = dict(zip(self.names, self.header or self.names, strict=True))
        numbered = all(called[name].strip().isdecimal() for name in part.columns)
        if numbered or (self.delimiter and self.first_row == 1):
            return
        repeats = None
        for name, values in part.columns.items():
            same = equals(values, called[name])
            repeats = same if repeats is None else repeats & same
            if not repeats.any():
                return
        raise DataError(
            f"{part.place(int(np.argmax(repeats)))}: repeats the header; remove the row"
        )


def open_table(
    path: str | Path,
    *,
    is_header: Callable[[tuple[str, ...]], bool] = lambda names: True,
    quote: str = "auto",
    separator: str = "",
    change: json_lines.Change = dict,
) -> Table:
    """Finds out what a file is and which columns it has, by its content.

    Args:
      path: a text table with one row a line or lines of JSON, packed or not, or Parquet.
        Fields are separated by tabs; by commas in a `.csv`; by whatever else the first row
        shows where it has neither.
      is_header: whether the first row of a text table is a header.
      quote: "none", double quotes are letters; "double", they may enclose a field, line breaks
        too; "auto", as "double", but quotes that swallow rows are refused (`QuoteCheck`).
      separator: of a text table; empty finds it.
      change: what counts of each object, where the lines are JSON.

    Raises:
      DataError: missing, empty, a Git LFS pointer, a zip archive, an array, no text, not
        UTF-8, a broken file.
    """
    path = Path(path)
    if check_content(path).startswith(parquet.MAGIC):
        names, without_text = parquet.column_names(path)
        pieces = partial(parquet.read_pieces, path)
        return Table(path, names, 1, "", without_text, pieces=pieces)
    if _is_json(path):
        names, without_text = json_lines.column_names(path, change)
        pieces = partial(json_lines.read_pieces, path, change=change)
        return Table(path, names, 1, "", without_text, pieces=pieces)
    delimiter, first = text_table.first_row(path, quote=quote, separator=separator)
    has_header = is_header(first)
    names = first if has_header else tuple(map(str, range(len(first))))
    header = first if has_header else ()
    return Table(path, names, 1 + has_header, delimiter, quote=quote, header=header)


def find_table(directory: Path, stem: str) -> Path | None:
    """The table of that name in a directory, whatever its suffix; None where there is none.

    Raises:
      DataError: there are two, or it is still in a zip archive.
    """
    found = [directory / f"{stem}{suffix}" for suffix in SUFFIXES]
    archives = [Path(f"{file}.zip") for file in found if Path(f"{file}.zip").exists()]
    found = [file for file in found if file.exists()]
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise DataError(f"{directory}: has {names}; keep one")
    if not found and archives:
        raise DataError(f"{archives[0]}: unzip it first")
    return found[0] if found else None


def check_content(path: Path) -> bytes:
    """The first bytes of a file, once it is clear that they are data.

    Raises:
      DataError: missing, empty, still in a zip archive, a Git LFS pointer, a web page.
    """
    if not path.is_file():
        archive = Path(f"{path}.zip")
        if archive.exists():
            raise DataError(f"{archive}: unzip it first")
        state = "a directory, expected a file" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {state}")
    with path.open("rb") as file:
        magic = file.read(64)
    if not magic:
        raise DataError(f"{path}: the file is empty; write it again")
    if magic.startswith(b"version https://git-lfs"):
        raise DataError(f"{path}: a Git LFS pointer, not the data; run `git lfs pull`")
    if magic.startswith(b"PK\x03\x04"):
        raise DataError(f"{path}: a zip archive or a workbook; unzip it, or save it as CSV, first")
    if magic.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise DataError(f"{path}: a web page, not the data; fetch it again")
    return magic


def _is_json(path: Path) -> bool:
    """Whether what a file holds begins as an object does.

    Raises:
      DataError: it is an array, of numbers or of JSON; or broken.
    """
    try:
        head = first_bytes(path, 64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read, fetch or write it again: {reason}") from error
    if head.startswith(b"\x93NUMPY"):
        raise DataError(f"{path}: an array of NumPy, not a table; write it as CSV or Parquet")
    if re.match(rb"\[\s*\{", head):
        raise DataError(f"{path}: one array of JSON; write one object a line instead")
    return head.startswith(b"{")
