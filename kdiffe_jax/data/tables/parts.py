"""A table in parts: a directory of `part-*` files, as Spark writes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from kdiffe_jax.data.tables.delimited import SUFFIXES, Part, Table, open_table
from kdiffe_jax.errors import DataError, listed


def part_files(directory: Path) -> list[Path]:
    """The parts by name; those without a byte, which Spark writes too, hold no row."""
    found = [file for file in sorted(directory.glob("part-*")) if file.name.endswith(SUFFIXES)]
    return [file for file in found if file.is_file() and file.stat().st_size]


@dataclasses.dataclass(frozen=True)
class TableOfParts(Table):
    """Tables of the same columns, one after another; a row is named by its own file."""

    tables: tuple[Table, ...] = ()

    def parts(self, columns: Sequence[str]) -> Iterator[Part]:
        """The rows in order, as `Table.parts`."""
        for table in self.tables:
            yield from table.parts(columns)


def open_parts(directory: Path, *, separator: str = "", quote: str = "auto") -> TableOfParts:
    """Opens the parts in a directory; text parts have a header. See `open_table`.

    Raises:
      DataError: no part, parts with different columns, or as `open_table`.
    """
    opened = partial(open_table, separator=separator, quote=quote)
    tables = tuple(map(opened, part_files(directory)))
    if not tables:
        raise DataError(f"{directory}: no part-* file of a table, such as part-00000.parquet")
    first = tables[0]
    for table in tables[1:]:
        if table.names != first.names:
            raise DataError(
                f"{table.path}: columns {listed(table.names, 200)}, but {first.path.name} has "
                f"{listed(first.names, 200)}; all parts need the same"
            )
    without_text = frozenset[str]().union(*(table.without_text for table in tables))
    return TableOfParts(directory, first.names, first.first_row, "", without_text, tables=tables)
