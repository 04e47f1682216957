"""Text files in lines, decoded with the line number at hand, and lists of whole numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.rows import MOST_A_KNOWN_ONE
from kdiffe_jax.errors import DataError

LARGEST_ID = np.iinfo(np.int32).max
_CHUNK_BYTES = 1 << 22
_NUMBERS = re.compile(r"\s*\d{1,18}(?:\s+\d{1,18})*\s*", re.ASCII)


class IdLists(NamedTuple):
    """Lines of `key value value ...`, flat.

    Attributes:
      keys: int32[m], the first number of each line.
      owners, values: int32[n], the key and the value of each pair.
      lines: int64[n], the line that each pair stands in, from 1.
    """

    keys: np.ndarray
    owners: np.ndarray
    values: np.ndarray
    lines: np.ndarray


def source_directory(path: str | Path) -> Path:
    """The directory of a source.

    Raises:
      DataError: it does not exist, or is a file.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: there is no such directory; pass the one that holds the files")
    return path


def line_chunks(
    file: Path, *, may_be_empty: bool = False, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[tuple[int, list[str]]]:
    """Lines without their ends, some megabytes at a time, with the number of the first.

    Args:
      file: UTF-8 text, with or without a byte order mark, lines ended by LF or CRLF.
      may_be_empty: whether a file without content is one without lines, else a mistake.
      chunk_bytes: about how much is read at a time.

    Raises:
      DataError: a missing, unreadable or empty file, a Git LFS pointer, other text than UTF-8.
    """
    number = 1
    try:
        with file.open("rb") as stream:
            while raw := stream.readlines(chunk_bytes):
                if number == 1 and raw[0].startswith(b"version https://git-lfs"):
                    raise DataError(f"{file}: a Git LFS pointer, not the data; run `git lfs pull`")
                lines = _decoded(file, b"".join(raw), number).split("\n")
                if number == 1:
                    lines[0] = lines[0].removeprefix("\ufeff")
                    if not may_be_empty and not any(map(str.strip, lines)):
                        break
                yield number, lines
                number += len(lines)
    except FileNotFoundError as error:
        raise DataError(f"{file}: no such file") from error
    except OSError as error:
        raise DataError(f"{file}: not readable: {error.strerror}") from error
    if number == 1 and not may_be_empty:
        raise DataError(f"{file}: the file is empty; fetch it again")


def read_id_lists(file: Path) -> IdLists:
    """Reads lines of `key value value ...`; a key may stand alone, blank lines are skipped.

    Raises:
      DataError: a word that is no whole number of at least 0, an id beyond int32, or what
        `line_chunks` finds.
    """
    rows, lines = [], []
    for first, chunk in line_chunks(file):
        for number, line in enumerate(chunk, start=first):
            if line and not line.isspace():
                rows.append(_whole_numbers(file, number, line))
                lines.append(number)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.fromiter(itertools.chain.from_iterable(rows), np.int32, lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return IdLists(
        keys=flat[starts],
        owners=np.repeat(flat[starts], lengths - 1),
        values=np.delete(flat, starts),
        lines=np.repeat(np.array(lines, np.int64), lengths - 1),
    )


def count_ids(source: Path, what: str, *ids: np.ndarray) -> int:
    """The largest id plus one: how many there are where they are numbered from 0.

    Raises:
      DataError: so few different ids that they can't be such a numbering.

    >>> count_ids(Path("train.txt"), "item", np.array([0, 3]), np.array([1]))
    4
    """
    used = np.unique(np.concatenate(ids))
    if not len(used):
        return 0
    if used[-1] >= MOST_A_KNOWN_ONE * (len(used) + 1):
        raise DataError(
            f"{source}: {what} id {used[-1]}, but only {len(used)} different {what}s; this "
            f"layout numbers them from 0: number them again, or read a table (--source=tables)"
        )
    return int(used[-1]) + 1


def _decoded(file: Path, raw: bytes, number: int) -> str:
    try:
        return raw.decode().replace("\r\n", "\n").removesuffix("\n")
    except UnicodeDecodeError as error:
        line = number + raw.count(b"\n", 0, error.start)
        raise DataError(f"{file}, line {line}: not UTF-8 text; save the file as UTF-8") from error


def _whole_numbers(file: Path, number: int, line: str) -> list[int]:
    if not _NUMBERS.fullmatch(line):
        raise DataError(
            f"{file}, line {number}: {line.strip()[:60]!r}: expected whole numbers with blanks "
            "between them"
        )
    numbers = list(map(int, line.split()))
    if max(numbers) > LARGEST_ID:
        raise DataError(f"{file}, line {number}: id {max(numbers)}; ids are 0..{LARGEST_ID}")
    return numbers
