"""Rows of whole numbers, as text or as an array; and what a list calls each number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.readers.lines import LARGEST_ID, line_chunks
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npy

_NUMBERED = re.compile(r"(\S.*?)\s+(\d{1,18})", re.ASCII)


def read_number_rows(file: Path, columns: Sequence[str]) -> np.ndarray:
    """int64[n, number of columns] of a `.npy` file, or of lines with blanks between the numbers.

    Args:
      file: the file; blank lines do not count.
      columns: what the numbers of a row are, for messages.

    Raises:
      DataError: another number of columns, no whole number, one outside 0..2,147,483,647; an
        unreadable file, or one without a row.
    """
    read = _array if file.suffix == ".npy" else _lines
    rows = read(file, columns)
    if not len(rows):
        raise DataError(f"{file}: it has no row; fetch it again")
    return rows


def read_number_names(file: Path) -> dict[int, str]:
    """Number -> name of lines `name number ...`, such as `org_id remap_id`; {} without a file.

    A name may hold blanks where a line has no third column. The header may be missing.

    Raises:
      DataError: a line without a name and a number, a name or number that stands there twice.
    """
    if not file.exists():
        return {}
    names: dict[int, str] = {}
    taken: set[str] = set()
    further = 0
    for first, lines in line_chunks(file):
        for place, line in enumerate(lines, start=first):
            words = line.split()
            if place == 1 and "remap_id" in words:
                further = max(0, len(words) - 2)
            elif words:
                name, number = _named(file, place, line, further)
                if number in names or name in taken:
                    again = f"number {number}" if number in names else f"{name[:60]!r}"
                    raise DataError(f"{file}, line {place}: {again} stands there twice; mend it")
                names[number] = name
                taken.add(name)
    return names


def called(numbers: Iterable[int], names: Mapping[int, str], file: Path) -> tuple[str, ...]:
    """What a file calls each number; the number itself where there is no file.

    Raises:
      DataError: a number that the file does not name.
    """
    if not names:
        return tuple(map(str, numbers))
    missing = next((n for n in numbers if n not in names), None)
    if missing is not None:
        raise DataError(f"{file}: no line names number {missing}; add it, or remove the file")
    return tuple(names[n] for n in numbers)


def numbered(what: str, names: Mapping[int, str]) -> Callable[[int], str]:
    """Gives the name of a number, or "what number" where it has none.

    >>> numbered("entity", {3: "Drama"})(4)
    'entity 4'
    """
    return lambda number: names.get(number) or f"{what} {number}"


def _array(file: Path, columns: Sequence[str]) -> np.ndarray:
    try:
        rows = read_npy(file)
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{file}: not a readable .npy array: {reason}") from error
    if rows.ndim != 2 or rows.shape[1] != len(columns) or rows.dtype.kind not in "iu":
        raise DataError(
            f"{file}: shape {rows.shape}, {rows.dtype}: expected whole numbers in "
            f"{len(columns)} columns: {' '.join(columns)}"
        )
    outside = ((rows < 0) | (rows > LARGEST_ID)).any(axis=1)
    if outside.any():
        raise DataError(f"{file}, row {int(np.argmax(outside))}: numbers are 0..{LARGEST_ID}")
    return rows.astype(np.int64)


def _lines(file: Path, columns: Sequence[str]) -> np.ndarray:
    fits = re.compile(r"\s*\d{1,18}" + r"\s+\d{1,18}" * (len(columns) - 1) + r"\s*", re.ASCII)
    chunks = [np.zeros((0, len(columns)), np.int64)]
    for first, lines in line_chunks(file):
        words: list[str] = []
        places: list[int] = []
        for place, line in enumerate(lines, start=first):
            if fits.fullmatch(line):
                words += line.split()
                places.append(place)
            elif line and not line.isspace():
                raise DataError(
                    f"{file}, line {place}: {line.strip()[:60]!r}: expected "
                    f"{len(columns)} whole numbers: {' '.join(columns)}"
                )
        rows = np.array(words, np.int64).reshape(-1, len(columns))
        if rows.max(initial=0) > LARGEST_ID:
            place = places[int(np.argmax((rows > LARGEST_ID).any(axis=1)))]
            raise DataError(f"{file}, line {place}: numbers are 0..{LARGEST_ID}")
        chunks.append(rows)
    return np.concatenate(chunks)


def _named(file: Path, place: int, line: str, further: int) -> tuple[str, int]:
    own = line.strip().rsplit(None, further)[0] if further else line.strip()
    found = _NUMBERED.fullmatch(own)
    if not found or int(found[2]) > LARGEST_ID:
        raise DataError(
            f"{file}, line {place}: {line.strip()[:60]!r}: expected a name and its number"
        )
    return found[1], int(found[2])
