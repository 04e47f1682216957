"""Lists as a table with names, on disk as Parquet, CSV or JSON lines, or as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.lists import Lists
from kdiffe_jax.storage.files import replacing
from kdiffe_jax.storage.saved_model import SavedModel

Columns = dict[str, Any]
FIELDS = ("user", "rank", "item", "score", "source")
NAME, ENTITIES = "item_name", "item_entities"


class Describer:
    """Turns lists into columns; names of items and entities are added where they are known.

    Args:
      entities: whether to add the items' entities.
    """

    def __init__(self, model: SavedModel, *, entities: bool):
        self._names = model.item_names
        self._entities = _entities_of_items(model) if entities else None
        added = [NAME] * bool(self._names) + [ENTITIES] * entities
        self.fields = (*FIELDS, *added)

    def columns(self, lists: Lists) -> Columns:
        """One column a field."""
        columns = lists.columns()
        rows = lists.rows[lists.rows >= 0].tolist()
        if NAME in self.fields:
            columns[NAME] = [self._names[row] for row in rows]
        if self._entities is not None:
            columns[ENTITIES] = [self._entities[row] for row in rows]
        return columns


def _entities_of_items(model: SavedModel) -> list[list[str]]:
    names: list[list[str]] = [[] for _ in model.item_ids]
    for item, _, entity in model.triples.tolist():
        names[item].append(model.entity_names[entity])
    return names


def writer_for(file: Path) -> Callable[[Iterable[Columns], tuple[str, ...], Path], None]:
    """The function that writes a file of this name.

    Raises:
      ConfigError: another ending than .parquet, .csv or .jsonl.
      DataError: .parquet without pyarrow.
    """
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_lines}
    if file.suffix not in writers:
        raise ConfigError(f"{file}: the name must end in {', '.join(writers)}")
    if file.suffix == ".parquet":
        arrow()
    return writers[file.suffix]


def write_table(blocks: Iterable[Columns], fields: tuple[str, ...], file: Path) -> None:
    """Writes blocks one after another under a temporary name, then renames it.

    Raises:
      ConfigError: a name with another ending than .parquet, .csv or .jsonl.
      DataError: the file cannot be written; a block could not be made. Nothing is left.
    """
    write = writer_for(file)
    with replacing(file) as draft:
        write(blocks, fields, draft)


def _write_parquet(blocks: Iterable[Columns], fields: tuple[str, ...], draft: Path) -> None:
    pa = arrow()
    kinds = {"rank": pa.int32(), "score": pa.float32(), ENTITIES: pa.list_(pa.string())}
    schema = pa.schema([(field, kinds.get(field, pa.string())) for field in fields])
    with pa.parquet.ParquetWriter(draft, schema) as writer:
        for columns in blocks:
            writer.write_table(pa.table({f: columns[f] for f in fields}, schema=schema))


def _write_csv(blocks: Iterable[Columns], fields: tuple[str, ...], draft: Path) -> None:
    with draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(fields)
        for columns in blocks:
            writer.writerows(map(_flat, _rows(columns, fields)))


def _write_lines(blocks: Iterable[Columns], fields: tuple[str, ...], draft: Path) -> None:
    with draft.open("w", encoding="utf-8") as stream:
        for columns in blocks:
            for row in _rows(columns, fields):
                line = json.dumps(dict(zip(fields, row, strict=True)), ensure_ascii=False)
                stream.write(line + "\n")


def text_blocks(blocks: Iterable[Columns], fields: tuple[str, ...]) -> Iterator[str]:
    """Aligned text, a block after another; the first line of all is the fields' names.

    A block is as wide as the widest cells up to it.
    """
    head, widths = [fields], [0] * len(fields)
    for columns in blocks:
        flat = ([str(cell) for cell in _flat(row)] for row in _rows(columns, fields))
        rows, head = [*head, *flat], []
        widths = [max(width, *(len(row[i]) for row in rows)) for i, width in enumerate(widths)]
        yield "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )


def _rows(columns: Mapping[str, Any], fields: tuple[str, ...]) -> Iterator[tuple]:
    plain = [_plain(columns[field]) for field in fields]
    return zip(*plain, strict=True)


def _plain(column) -> list:
    """Python values; of float32 the shortest text that says the number, of 0 without a minus."""
    if isinstance(column, np.ndarray) and column.dtype == np.float32:
        return (column + np.float32(0.0)).astype("U32").astype(np.float64).tolist()
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def _flat(row: tuple) -> list:
    return ["; ".join(cell) if isinstance(cell, list) else cell for cell in row]
