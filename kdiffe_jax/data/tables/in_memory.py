"""A table that is in memory already, read as a file is: in parts, with its rows counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kdiffe_jax.data.tables.delimited import Part, Table
from kdiffe_jax.data.tables.values import has_text

_ROWS = 1 << 18


@dataclasses.dataclass(frozen=True)
class TableInMemory(Table):
    """A `Table` over arrays. Its path is what messages call it; no such file is needed.

    Attributes:
      arrays: a pyarrow Table of the columns.
      n_earlier: rows that were there before others were added; messages count the others apart.
    """

    arrays: Any = None
    n_earlier: int = 0

    def parts(self, columns: Sequence[str]) -> Iterator[Part]:
        """The rows in order, only these columns; no rows or no columns are no part.

        Raises:
          DataError: a column the table does not have, or has twice; a row that repeats the header.
        """
        self.check_columns(columns)
        if not columns:
            return
        chosen = self.arrays.select(list(columns))
        added = Path(f"new rows of {self.path}") if self.n_earlier else self.path
        yield from self._parts(chosen.slice(0, self.n_earlier), self.path, 0)
        yield from self._parts(chosen.slice(self.n_earlier), added, self.n_earlier)

    def _parts(self, arrays: Any, called: Path, n_before: int) -> Iterator[Part]:
        done = 0
        for batch in arrays.to_batches(max_chunksize=_ROWS):
            if len(batch):
                row, done = self.first_row + done, done + len(batch)
                named = dict(zip(arrays.column_names, batch.columns, strict=True))
                part = Part(called, named, row, n_before + done, 0)
                self.refuse_header(part)
                yield part


def table_in_memory(name: str, arrays: Any) -> TableInMemory:
    """A pyarrow Table under a name, its rows counted from 1.

    >>> import pyarrow
    >>> table = table_in_memory("orders", pyarrow.table({"user": ["ann", "bo"]}))
    >>> next(table.parts(["user"])).place(1)
    'orders, row 2'
    """
    without_text = frozenset(f.name for f in arrays.schema if not has_text(f.type))
    names = tuple(arrays.column_names)
    return TableInMemory(Path(name), names, 1, "", without_text, arrays=arrays)
