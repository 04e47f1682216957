"""Any catalogue as tables: CSV, TSV or Parquet with columns by name.

interactions.csv      user, item, and where there are any rating, time, split
[items.csv]           item, and any columns of text, attributes, lists and category paths
[triples.csv]         item, relation, entity [, weight]
[<modality>_feat.npy] one row an item, with the ids of the rows in <modality>_feat.ids.txt

Each may be `.csv`, `.tsv`, `.txt`, `.jsonl`, those packed, or `.parquet`; or a directory of
that name with `part-*` files, as Spark writes it. Interactions may come in parts,
`interactions-0.parquet` and so on, as the `part-*` files of the directory itself, or as a split,
`train.csv`, `valid.csv` and `test.csv`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import join_items, read_item_table, with_new_items
from kdiffe_jax.data.readers.link_table import add_triples
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import SUFFIXES, Progress, Table, find_table
from kdiffe_jax.data.tables.parts import open_parts, part_files
from kdiffe_jax.data.tables.split_files import split_files
from kdiffe_jax.errors import DataError

FILES = "interactions.csv (or .tsv, .parquet, .gz), and where there are any items.* and triples.*"


def read_tables(
    path: str | Path,
    *,
    name: str,
    columns: TableColumns | None = None,
    shared_ids: bool = False,
    progress: Progress | None = None,
) -> Catalogue:
    """Reads a directory of tables, or a single table of interactions.

    Items of the item table that nobody interacted with are items too; triples of other
    items are dropped, and a note counts them.

    Args:
      path: the directory or the table.
      columns: which columns hold what; by default they are found by common names.
      shared_ids: whether entities that are called as items are these; see `add_triples`.
      progress: receives (rows done, bytes done, bytes in all) while interactions are read.

    Raises:
      DataError: a table is missing or malformed, or tables contradict one another.
    """
    path, columns = Path(path), columns or TableColumns()
    if not path.is_dir():
        return read_interactions([path], columns, name=name, progress=progress)
    divided = split_files(path)
    parts = list(divided.values()) or _parts(path)
    catalogue = read_interactions(
        parts, columns, name=name, progress=progress, parts=tuple(divided)
    )
    files = [str(part.relative_to(path)) for part in parts]
    if items := _find(path, "items"):
        table = read_item_table(items, columns, opened=_opened(items, columns))
        catalogue = join_items(with_new_items(catalogue, table), table)
        files += _files(items, path)
    if triples := _find(path, "triples"):
        opened = _opened(triples, columns)
        catalogue = add_triples(
            catalogue, triples, opened=opened, columns=columns, shared_ids=shared_ids
        )
        files += _files(triples, path)
    return dataclasses.replace(catalogue, files=tuple(files))


def _find(path: Path, stem: str) -> Path | None:
    """A table of that name, or a directory of its parts."""
    return find_table(path, stem) or (path / stem if part_files(path / stem) else None)


def _opened(table: Path, columns: TableColumns) -> Callable[[Path], Table] | None:
    if not table.is_dir():
        return None
    return partial(open_parts, separator=columns.field_separator, quote=columns.quote)


def _files(table: Path, root: Path) -> list[str]:
    """The file of a table, or those of its parts."""
    files = part_files(table) if table.is_dir() else [table]
    return [str(file.relative_to(root)) for file in files]


def _parts(path: Path) -> list[Path]:
    """The files of interactions, one or several."""
    whole = _find(path, "interactions")
    parts = [file for suffix in SUFFIXES for file in path.glob(f"interactions-*{suffix}")]
    parts.sort(key=lambda file: (len(file.name), file.name))
    parts += part_files(path)
    if whole and parts:
        raise DataError(f"{path}: has {whole.name} and parts such as {parts[0].name}; keep either")
    if not whole and not parts:
        raise DataError(
            f"{path}: no table of interactions; expected {FILES}; or give the table itself"
        )
    if whole and whole.is_dir():
        return part_files(whole) or [whole]
    return [whole] if whole else parts
