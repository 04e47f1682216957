"""Comma- or tab-separated text, packed or not, a few megabytes at a time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.packed import DAMAGED, FIELD, OneLetter, unpacked, without_ending
from kdiffe_jax.data.tables.quotes import QuoteCheck
from kdiffe_jax.errors import DataError

_BLOCK_BYTES = 2 << 20
_HEAD_BYTES = 1 << 20
# Follows the last row of every file. Where a quote is never closed, it is swallowed.
_END = "\x1eend\x1e"
_DECIMAL = re.compile(r'\s*"?[+-]?\d+,\d+"?\s*')


class Layout(NamedTuple):
    """How a text table is written."""

    delimiter: str
    n_columns: int
    has_header: bool
    quote: str = "auto"


def first_row(
    path: Path, *, quote: str = "auto", separator: str = ""
) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the fields of the first row, blanks around them removed.

    Args:
      quote: what double quotes around a field mean; see `open_table`.
      separator: the delimiter; empty finds it.

    Raises:
      DataError: no row, no text, not UTF-8.
    """
    try:
        with _Source(path, b"") as source:
            head = source.read(_HEAD_BYTES)
    except DAMAGED as error:
        raise _refusal(path, error) from error
    if not head:
        raise DataError(f"{path}: the file is empty; write it again")
    if kind := _archive(head):
        raise DataError(f"{path}: {kind}; unpack it first")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:4096]:
        raise DataError(f"{path}: not UTF-8 text, perhaps UTF-16; save it as UTF-8")
    text = head.decode("utf-8", errors="replace")
    delimiter = separator or _delimiter(path, text)
    if len(delimiter) > 1:
        text, quote = text.replace(delimiter, FIELD), "none"
    try:
        marks = csv.QUOTE_NONE if quote == "none" else csv.QUOTE_MINIMAL
        lines = io.StringIO(text, newline="")
        fields = next(csv.reader(lines, delimiter=_letter(delimiter), quoting=marks, strict=True))
    except csv.Error as error:
        raise DataError(
            f"{path}, row 1: not readable as a table: {error}; --quote=none reads quotes as letters"
        ) from error
    if any("\ufffd" in field for field in fields):
        raise DataError(f"{path}, row 1: not UTF-8 text; save the file as UTF-8")
    return delimiter, tuple(field.strip() for field in fields)


def read_pieces(path: Path, layout: Layout, columns: Sequence[int]) -> Iterator[tuple[list, int]]:
    """Yields text arrays of the chosen columns, and how many bytes of the file are done.

    Raises:
      DataError: a row with another number of fields, not UTF-8, a quote that is never
        closed or cannot be meant, a broken gzip file.
    """
    pa = arrow()
    quotes = _quotes(path, layout)
    end = ("\n" + _letter(layout.delimiter).join([_END] * layout.n_columns)).encode()
    held, row = None, 1 + layout.has_header
    with _Source(path, end, layout.delimiter, quotes) as source:
        try:
            for batch in _batches(source, layout, columns):
                if held is not None:
                    row += len(held)
                    yield held.columns, source.bytes_done
                held = batch
        except (pa.ArrowException, *DAMAGED) as error:
            raise _refusal(path, error, layout.delimiter) from error
        last = row + len(held) - 1
        if held.column(0)[-1].as_py() != _END:
            raise DataError(f"{path}, row {last}: a quote is opened and never closed; close it")
        if quotes:
            quotes.finish()
        if len(held) > 1:
            yield held.slice(0, len(held) - 1).columns, source.bytes_done


def _batches(source: _Source, layout: Layout, columns: Sequence[int]) -> Iterator:
    """Record batches that have rows; every column is text, known by its position."""
    pa = arrow()
    names = [str(position) for position in range(layout.n_columns)]
    chosen = [names[position] for position in columns]
    quoted = _is_quoted(layout)
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
            delimiter=_letter(layout.delimiter),
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=chosen, column_types=dict.fromkeys(chosen, pa.string())
        ),
    )
    with reader:
        yield from (batch for batch in reader if len(batch))


class _Source(io.RawIOBase):
    """Bytes of a table, unpacked, without byte order mark and blank lines before the first row."""

    def __init__(
        self, path: Path, end: bytes, delimiter: str = "", quotes: QuoteCheck | None = None
    ):
        super().__init__()
        self._file = path.open("rb")
        self._stream = unpacked(self._file)
        if len(delimiter) > 1:
            self._stream = OneLetter(self._stream, delimiter)
        self._begun = False
        self._end = end
        self._quotes = quotes

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
        content += ending
        if self._quotes:
            self._quotes.feed(content)
        return content

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def _archive(head: bytes) -> str:
    """What a file is that has to be unpacked by hand; empty where it may be a table."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    kinds = {
        b"\xfd7zXZ\0": "packed by xz",
        b"7z\xbc\xaf\x27\x1c": "a 7z archive",
        b"Rar!": "a rar archive",
    }
    return next((kind for mark, kind in kinds.items() if head.startswith(mark)), "")


def _is_quoted(layout: Layout) -> bool:
    return layout.quote != "none" and len(layout.delimiter) == 1


def _quotes(path: Path, layout: Layout) -> QuoteCheck | None:
    if not _is_quoted(layout):
        return None
    free = layout.quote == "double"
    return QuoteCheck(path, layout.delimiter, layout.n_columns, line_breaks=free)


def _delimiter(path: Path, text: str) -> str:
    """What the suffix promises if the first line has it, else what the line has.

    Commas are promised in vain where there are more semicolons and all commas are decimal ones.
    """
    line = re.split("[\r\n]", text, maxsplit=1)[0]
    with_comma = [field for field in line.split(";") if "," in field]
    if len(with_comma) < line.count(";") and all(map(_DECIMAL.fullmatch, with_comma)):
        line = line.replace(",", "")
    suffix = Path(without_ending(path.name)).suffix.lower()
    promised = "," if suffix == ".csv" else "\t"
    others = ("::", *"\t,;", *(" " if suffix == ".txt" else ""))
    return next((mark for mark in (promised, *others) if mark in line), promised)


def _letter(delimiter: str) -> str:
    """What stands in the stream where the file has the delimiter."""
    return delimiter if len(delimiter) == 1 else FIELD


def _refusal(path: Path, error: Exception, delimiter: str = FIELD) -> DataError:
    """One line about what the parser or the unpacking found."""
    text = " ".join(str(error).replace(FIELD, delimiter).split())
    if isinstance(error, DAMAGED):
        return DataError(f"{path}: cannot be read, fetch or write it again: {text}")
    number = re.search(r"Row #(\d+)", text)
    where = f"{path}, row {number[1]}" if number else f"{path}"
    if "UTF8" in text:
        return DataError(f"{where}: not UTF-8 text; save the file as UTF-8")
    if "straddl" in text:
        return DataError(
            f"{where}: a row is longer than {_BLOCK_BYTES >> 20} MB; is a quote never closed?"
        )
    if _END in str(error):  # the row swallowed all rows after it
        return DataError(f"{where}: a quote is opened and never closed; close it")
    ragged = re.search(r"Expected (\d+) columns, got (\d+): ?(.*)", text)
    if ragged:
        return DataError(
            f"{where}: {ragged[2]} columns, expected {ragged[1]}: {ragged[3][:60]!r}; "
            "mend the row, or quote the fields that hold the separator"
        )
    return DataError(f"{where}: not readable as a table: {text[:200]}")
