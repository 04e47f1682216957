"""Any catalogue as tables: CSV, TSV or Parquet with columns by name.

interactions.csv      user, item, and where there are any rating, time, split
[items.csv]           item, and any columns of text, attributes, lists and category paths
[triples.csv]         item, relation, entity [, weight]
[<modality>_feat.npy] one row an item, with the ids of the rows in <modality>_feat.ids.txt

Each may be `.csv`, `.tsv`, `.txt`, those with `.gz`, or `.parquet`; interactions may
come in parts, `interactions-0.parquet` and so on.
"""

from __future__ import annotations

from pathlib import Path

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import join_items, read_item_table, with_new_items
from kdiffe_jax.data.readers.link_table import add_triples
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import SUFFIXES, Progress, find_table
from kdiffe_jax.errors import DataError

FILES = "interactions.csv (or .tsv, .parquet, .gz), and where there are any items.* and triples.*"


def read_tables(
    path: str | Path,
    *,
    name: str,
    columns: TableColumns | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Reads a directory of tables, or a single table of interactions.

    Items of the item table that nobody interacted with are items too; triples of other
    items are dropped, and a note counts them.

    Args:
      path: the directory or the table.
      columns: which columns hold what; by default they are found by common names.
      progress: receives (rows done, bytes done, bytes in all) while interactions are read.

    Raises:
      DataError: a table is missing or malformed, or tables contradict one another.
    """
    path, columns = Path(path), columns or TableColumns()
    if not path.is_dir():
        return read_interactions([path], columns, name=name, progress=progress)
    catalogue = read_interactions(_parts(path), columns, name=name, progress=progress)
    if items := find_table(path, "items"):
        table = read_item_table(items, columns)
        catalogue = join_items(with_new_items(catalogue, table), table)
    if triples := find_table(path, "triples"):
        catalogue = add_triples(catalogue, triples)
    return catalogue


def _parts(path: Path) -> list[Path]:
    """The files of interactions, one or several."""
    whole = find_table(path, "interactions")
    parts = [file for suffix in SUFFIXES for file in path.glob(f"interactions-*{suffix}")]
    parts.sort(key=lambda file: (len(file.name), file.name))
    if whole and parts:
        raise DataError(f"{path}: has {whole.name} and parts such as {parts[0].name}; keep either")
    if not whole and not parts:
        raise DataError(
            f"{path}: no table of interactions; expected {FILES}; or give the table itself"
        )
    return [whole] if whole else parts
