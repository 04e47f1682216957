"""Plain text tables: integers separated by tabs, and names one a line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import DataError

_ROWS_AT_ONCE = 1 << 16
_BYTES_AT_ONCE = 1 << 24
_LARGEST_ID = np.iinfo(np.int32).max


def read_integers(file: Path, columns: int, part: range | None = None) -> np.ndarray:
    """int64[n, columns] of tab-separated ids; text after # and empty lines are skipped.

    Args:
      part: of `part_of_lines`; the whole file if omitted.

    Raises:
      DataError: no such file, another number of columns, no integers, an id below 0 or
        above 2,147,483,647.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such file; write it, or prepare the data set again")
    if not (first_row(file) if part is None else _first_of(_lines(file, part))):
        return np.zeros((0, columns), np.int64)
    source = file if part is None else _lines(file, part)
    try:
        rows = np.loadtxt(
            source, np.int64, delimiter="\t", comments="#", ndmin=2, encoding="utf-8-sig"
        )
    except ValueError as error:
        raise DataError(f"{file}: {error}; expected {columns} tab-separated integers") from error
    if rows.shape[1] != columns:
        raise DataError(f"{file}: {rows.shape[1]} columns, expected {columns}")
    outside = (rows < 0) | (rows > _LARGEST_ID)
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        raise DataError(f"{file}, row {row + 1}: ids are 0..{_LARGEST_ID}")
    return rows


def part_of_lines(file: Path, share: Share) -> range:
    """The bytes of the lines that begin in a process's range of the file's bytes."""
    bounds = share.range_of(file.stat().st_size)

    with file.open("rb") as stream:

        def line_from(byte: int) -> int:
            stream.seek(max(0, byte - 1))
            return byte and stream.tell() + len(stream.readline())

        return range(line_from(bounds.start), line_from(bounds.stop))


def line_at(file: Path, byte: int) -> int:
    """The number, from 1, of the line that begins at a byte."""
    lines, left = 1, byte
    with file.open("rb") as stream:
        while left and (block := stream.read(min(left, _BYTES_AT_ONCE))):
            lines, left = lines + block.count(b"\n"), left - len(block)
    return lines


def write_integers(file: Path, rows: np.ndarray) -> None:
    """Writes int[n, columns], one row a line."""
    line = "\t".join(["%d"] * rows.shape[1]) + "\n"
    with file.open("w", encoding="ascii", newline="\n") as stream:
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            block = rows[start : start + _ROWS_AT_ONCE]
            stream.write((line * len(block)) % tuple(block.ravel().tolist()))


def first_row(file: Path) -> str:
    """The first line with content outside comments, empty where there is none.

    Raises:
      DataError: the file is not UTF-8.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            return _first_of(lines)
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error


def read_names(file: Path) -> tuple[str, ...]:
    """One name a line; only the newline ends a line, so any other character may be in a name.

    Raises:
      DataError: the file is not UTF-8.
    """
    if not file.exists():
        return ()
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from error
    if not text:
        return ()
    return tuple(text.replace("\r\n", "\n").removesuffix("\n").split("\n"))


def write_names(file: Path, names: Sequence[str]) -> None:
    """Writes one name a line, and no file where there are no names.

    Readers take one byte order mark away, so a first name that begins with one gets another.

    Raises:
      DataError: a name with a line break, which would become two, or that is not UTF-8.
    """
    for name in names:
        if "\n" in name or "\r" in name:
            raise DataError(f"{file.name}: the name {name!r} holds a line break; replace it")
    if names:
        encoding = "utf-8-sig" if names[0].startswith("\ufeff") else "utf-8"
        text = "\n".join(names) + "\n"
        try:
            file.write_bytes(text.encode(encoding))
        except UnicodeEncodeError as error:
            name = names[text.count("\n", 0, error.start)]
            raise DataError(
                f"{file.name}: the name {name!r} holds bytes that are not UTF-8; replace it"
            ) from error


def sha256(file: Path) -> str:
    """The file's SHA-256 as hexadecimal text."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines(file: Path, part: range) -> Iterator[str]:
    return chain.from_iterable(text.split("\n") for text in _blocks(file, part))


def _blocks(file: Path, part: range) -> Iterator[str]:
    """The text of a part, some whole lines at a time."""
    with file.open("rb") as stream:
        stream.seek(part.start)
        while (left := part.stop - stream.tell()) > 0:
            text = stream.read(min(left, _BYTES_AT_ONCE))
            rest = stream.readline() if len(text) < left else b""
            try:
                yield (text + rest).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise _not_utf8(file, error) from error


def _first_of(lines: Iterable[str]) -> str:
    rows = (line.split("#", 1)[0].strip() for line in lines)
    return next((row for row in rows if row), "")


def _not_utf8(file: Path, error: UnicodeDecodeError) -> DataError:
    return DataError(f"{file}: not UTF-8 text: {error}; save it as UTF-8")


def sums_by_name(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by name; files of one name are told apart by their directory."""
    names = Counter(file.name for file in files)
    return {
        file.name if names[file.name] == 1 else f"{file.parent.name}/{file.name}": sha256(file)
        for file in files
    }
