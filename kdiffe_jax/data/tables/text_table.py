"""Comma- or tab-separated text, gzipped or not, a few megabytes at a time."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import DataError

_BLOCK_BYTES = 2 << 20
_HEAD_BYTES = 1 << 20
# Follows the last row of every file. Where a quote is never closed, it is swallowed.
_END = "\x1eend\x1e"


class Layout(NamedTuple):
    """How a text table is written."""

    delimiter: str
    n_columns: int
    has_header: bool
    quoted: bool = True


def first_row(path: Path, *, quoted: bool = True) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the fields of the first row, blanks around them removed.

    Raises:
      DataError: no row, no text, not UTF-8.
    """
    try:
        with _Source(path, b"") as source:
            head = source.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise _refusal(path, error) from error
    if not head:
        raise DataError(f"{path}: the file is empty; write it again")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:4096]:
        raise DataError(f"{path}: not UTF-8 text, perhaps UTF-16; save it as UTF-8")
    text = head.decode("utf-8", errors="replace")
    delimiter = _delimiter(path, text)
    try:
        marks = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        lines = io.StringIO(text, newline="")
        fields = next(csv.reader(lines, delimiter=delimiter, quoting=marks))
    except csv.Error as error:
        raise DataError(f"{path}, row 1: not readable as a table: {error}") from error
    if any("\ufffd" in field for field in fields):
        raise DataError(f"{path}, row 1: not UTF-8 text; save the file as UTF-8")
    return delimiter, tuple(field.strip() for field in fields)


def read_pieces(path: Path, layout: Layout, columns: Sequence[int]) -> Iterator[tuple[list, int]]:
    """Yields text arrays of the chosen columns, and how many bytes of the file are done.

    Raises:
      DataError: a row with another number of fields, not UTF-8, a quote that is never
        closed, a broken gzip file.
    """
    pa = arrow()
    end = ("\n" + layout.delimiter.join([_END] * layout.n_columns)).encode()
    held, row = None, 1 + layout.has_header
    with _Source(path, end) as source:
        try:
            for batch in _batches(source, layout, columns):
                if held is not None:
                    row += len(held)
                    yield held.columns, source.bytes_done
                held = batch
        except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
            raise _refusal(path, error) from error
        last = row + len(held) - 1
        if held.column(0)[-1].as_py() != _END:
            raise DataError(f"{path}, row {last}: a quote is opened and never closed; close it")
        if len(held) > 1:
            yield held.slice(0, len(held) - 1).columns, source.bytes_done


def _batches(source: _Source, layout: Layout, columns: Sequence[int]) -> Iterator:
    """Record batches that have rows; every column is text, known by its position."""
    pa = arrow()
    names = [str(position) for position in range(layout.n_columns)]
    chosen = [names[position] for position in columns]
    reader = pa.csv.open_csv(
        pa.PythonFile(source, mode="r"),
        # Only a single thread tells the numbers of bad rows; it is as fast.
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            column_names=names,
            skip_rows_after_names=int(layout.has_header),
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char='"' if layout.quoted else False,
            newlines_in_values=layout.quoted,
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=chosen, column_types=dict.fromkeys(chosen, pa.string())
        ),
    )
    with reader:
        yield from (batch for batch in reader if len(batch))


class _Source(io.RawIOBase):
    """Bytes of a table, unpacked, without byte order mark and blank lines before the first row."""

    def __init__(self, path: Path, end: bytes):
        super().__init__()
        self._file = path.open("rb")
        packed = self._file.read(2) == b"\x1f\x8b"
        self._file.seek(0)
        self._stream = gzip.open(self._file) if packed else self._file
        self._begun = False
        self._end = end

    @property
    def bytes_done(self) -> int:
        """How much of the file was read."""
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        """As many bytes, fewer only at the end."""
        content = self._stream.read(size)
        while content and not self._begun:
            content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
            self._begun = bool(content)
            content += self._stream.read(size - len(content))
        room = size - len(content)
        ending, self._end = self._end[:room], self._end[room:]
        return content + ending

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def _delimiter(path: Path, text: str) -> str:
    """What the suffix promises if the first line has it, else what the line has."""
    line = re.split("[\r\n]", text, maxsplit=1)[0]
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    promised = "," if suffix == ".csv" else "\t"
    others = "\t,;" + (" " if suffix == ".txt" else "")
    return next((mark for mark in promised + others if mark in line), promised)


def _refusal(path: Path, error: Exception) -> DataError:
    """One line about what the parser or the unpacking found."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError | EOFError | zlib.error):
        return DataError(f"{path}: cannot be read, fetch or write it again: {text}")
    number = re.search(r"Row #(\d+)", text)
    where = f"{path}, row {number[1]}" if number else f"{path}"
    if "UTF8" in text:
        return DataError(f"{where}: not UTF-8 text; save the file as UTF-8")
    if "straddl" in text:
        return DataError(
            f"{where}: a row is longer than {_BLOCK_BYTES >> 20} MB; is a quote never closed?"
        )
    ragged = re.search(r"Expected (\d+) columns, got (\d+): ?(.*)", text)
    if ragged:
        return DataError(
            f"{where}: {ragged[2]} columns, expected {ragged[1]}: {ragged[3][:60]!r}; "
            "mend the row, or quote the fields that hold the separator"
        )
    return DataError(f"{where}: not readable as a table: {text[:200]}")
