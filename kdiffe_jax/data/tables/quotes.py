"""Stray double quotes: where one swallows rows, the row is named instead."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from kdiffe_jax.errors import DataError

_REMEDY = "mend it, or read quotes as letters with --quote=none"
# A field of so many rows is no accident of separators in a text.
_SURELY_ROWS = 3


class QuoteCheck:
    """Follows the bytes of a text table and refuses quotes that cannot be meant.

    A quote opens a field where it is the first letter of it, and the field must end where the
    quote closes. A field may hold line breaks, but not rows of the table: lines that have as
    many fields as a row each. One or two such lines are refused only where most fields with
    line breaks are like that.

    Args:
      path: for messages.
      delimiter: one letter.
      n_columns: fields of a row.
      line_breaks: whether fields may hold anything.

    >>> check = QuoteCheck(Path("t.csv"), ",", 2)
    >>> check.feed(b'user,item\\nann,"cup\\nben,"hat\\n')
    Traceback (most recent call last):
    kdiffe_jax.errors.DataError: t.csv, row 2: a quote is opened, and where it closes more text \
follows: 'hat'; mend it, or read quotes as letters with --quote=none
    """

    def __init__(self, path: Path, delimiter: str, n_columns: int, *, line_breaks: bool = False):
        self._path, self._mark = path, delimiter.encode()
        self._separators, self._line_breaks = n_columns - 1, line_breaks
        mark = re.escape(self._mark)
        bare = rb'(?!")[^\r\n' + mark + rb']*+|(?=")'
        self._rows = _row(rb'"[^"\r\n]*+(?:""[^"\r\n]*+)*+"|' + bare, mark, rb"[\r\n]", b"*+")
        self._row = _row(rb'"[^"]*+(?:""[^"]*+)*+"|' + bare, mark, b"", b"")
        self._rest, self._number = b"", 1
        self._of_rows: list[str] = []
        self._with_breaks = 0

    def feed(self, content: bytes) -> None:
        """Takes the next bytes; the last row ends with a line break.

        Raises:
          DataError: a quote that cannot be meant, with its row.
        """
        content, at = self._rest + content, 0
        while (end := self._past_row(content, at)) is not None:
            at = end
        self._rest = content[at:]

    def finish(self) -> None:
        """Says that no bytes follow.

        Raises:
          DataError: most fields with line breaks hold rows of the table.
        """
        if 2 * len(self._of_rows) > self._with_breaks:
            raise DataError(self._of_rows[0])

    def _past_row(self, content: bytes, at: int) -> int | None:
        """Where the rows from `at` end; None where there is no whole row any more."""
        end = self._end_of_plain_rows(content, at)
        self._number += _ends_of_rows(content, at, end)
        row = _match(self._row, content, end)
        following = content[row.end() : row.end() + 1]
        if following in (b"", b'"'):
            return None if end == at else end
        if following not in b"\r\n":
            raise self._text_follows(content, row)
        self._check_lines(row[0])
        return row.end()

    def _end_of_plain_rows(self, content: bytes, at: int) -> int:
        """How far the rows reach in which no quoted field holds a line break."""
        if content.find(b'"', at) < 0:
            return 1 + max(content.rfind(b"\n", at), content.rfind(b"\r", at), at - 1)
        return _match(self._rows, content, at).end()

    def _text_follows(self, content: bytes, row: re.Match) -> DataError:
        more = content[row.end() :].splitlines()[0][:60].decode(errors="replace")
        return DataError(
            f"{self._path}, row {self._number}: a quote is opened, and where it closes more text "
            f"follows: {more!r}; {_REMEDY}"
        )

    def _check_lines(self, row: bytes) -> None:
        lines = [line for line in row.splitlines() if line]
        if len(lines) < 2:
            return
        self._with_breaks += 1
        if self._line_breaks or any(line.count(self._mark) != self._separators for line in lines):
            return
        line = (
            f"{self._path}, row {self._number}: a quote is opened and closes {len(lines) - 1} "
            f"lines below, and each of them is a row of its own; {_REMEDY}; if the line breaks "
            "are meant, --quote=double keeps them"
        )
        self._of_rows.append(line)
        if len(lines) >= _SURELY_ROWS:
            raise DataError(line)


def _row(field: bytes, mark: bytes, end: bytes, times: bytes) -> re.Pattern:
    return re.compile(rb"(?:(?:%b)(?:%b(?:%b))*+%b)%b" % (field, mark, field, end, times))


def _match(pattern: re.Pattern, content: bytes, at: int) -> re.Match:
    """Of a pattern of `_row`, which matches no letter at all if nothing else."""
    found = pattern.match(content, at)
    assert found is not None
    return found


def _ends_of_rows(content: bytes, start: int, end: int) -> int:
    """How many rows end in a piece, which is the first or follows a row; blank lines are none."""
    letters = np.frombuffer(content, np.uint8)[max(start - 1, 0) : end]
    breaks = (letters == ord("\n")) | (letters == ord("\r"))
    return int(np.count_nonzero(breaks[1:] & ~breaks[:-1]))
