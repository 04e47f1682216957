"""Parquet files, a run of rows at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.values import has_text
from kdiffe_jax.errors import DataError

MAGIC = b"PAR1"
_ROWS = 1 << 18


def column_names(path: Path) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of the columns, and which of them hold neither text nor numbers nor lists of them.

    Raises:
      DataError: the file is broken.
    """
    with _open(path) as file:
        schema = file.schema_arrow
    return tuple(schema.names), frozenset(f.name for f in schema if not has_text(f.type))


def read_pieces(path: Path, columns: Sequence[str]) -> Iterator[tuple[list, int]]:
    """Yields the columns' arrays and how many bytes of the file are done, about.

    Raises:
      DataError: the file is broken, or a text in it is not UTF-8.
    """
    pa = arrow()
    done, size = 0, path.stat().st_size
    with _open(path) as file:
        total = file.metadata.num_rows
        batches = file.iter_batches(batch_size=_ROWS, columns=list(columns))
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise _broken(path, error) from error
            if batch is None:
                return
            if len(batch):
                for column in columns:
                    _check_text(batch.column(column), path, column, done + 1)
                done += len(batch)
                yield [batch.column(column) for column in columns], size * done // total


def _open(path: Path):
    pa = arrow()
    try:
        return pa.parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _broken(path, error) from error


def _check_text(array, path: Path, column: str, first_row: int) -> None:
    pa = arrow()
    try:
        array.validate(full=True)
    except pa.ArrowException as error:
        index = re.search(r"at string index (\d+)", str(error))
        row = first_row + int(index[1]) if index else first_row
        raise DataError(
            f"{path}, row {row}: column {column!r} is not UTF-8 text; write it again as UTF-8"
        ) from error


def _broken(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:200]
    return DataError(f"{path}: a broken Parquet file, fetch or write it again: {reason}")
