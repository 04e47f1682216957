"""Any source layout -> `Catalogue`: the door of preparation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kdiffe_jax.data.catalogue import Catalogue, catalogue_of
from kdiffe_jax.data.extra_files import add_all_features
from kdiffe_jax.data.readers import kdiffe, megcf, mmrec, prepared, recbole, tables
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import DataError

SOURCES = ("kdiffe", "mmrec", "recbole", "megcf", "tables", "prepared")


def read_source(
    path: str | Path,
    layout: str = "auto",
    *,
    name: str,
    columns: TableColumns | None = None,
    shared_ids: bool = False,
    split_seed: int = 0,
    progress: Callable[[int, int, int], None] | None = None,
) -> tuple[str, Catalogue]:
    """Reads any source layout, for `prepare`.

    Args:
      path: the directory, or a table of interactions.
      layout: one of `SOURCES`, or "auto".
      columns: what the columns of tables are called.
      shared_ids: in the KDiffE layout, entity ids below the number of items are items.
      split_seed: of the validation split of a KDiffE directory that has none.
      progress: receives (rows done, bytes done, bytes in all) while tables are read.

    Returns:
      The layout that was read, and the catalogue.

    Raises:
      DataError: no such layout there, or what its reader finds.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or directory; give --input=DIR")
    if layout == "auto":
        layout = layout_of(path)
    if layout == "tables":
        catalogue = tables.read_tables(path, name=name, columns=columns, progress=progress)
        return layout, add_all_features(catalogue, path)
    if layout == "kdiffe":
        dataset = kdiffe.read_kdiffe(path, name=name, split_seed=split_seed, shared_ids=shared_ids)
        return layout, catalogue_of(dataset, _file_names(path, "*Mat.pkl", "*_feat.npy", "kg.txt"))
    if layout == "prepared":
        return layout, catalogue_of(prepared.read_prepared(path, name=name), _file_names(path, "*"))
    if layout == "megcf":
        return layout, megcf.read_megcf(path, name=name)
    read = mmrec.read_mmrec if layout == "mmrec" else recbole.read_recbole
    return layout, read(path, name=name, columns=columns)


def layout_of(path: Path) -> str:
    """Which of `SOURCES` a directory or file looks like.

    Raises:
      DataError: none of them.
    """
    if path.is_file() or any(path.glob("interactions*")):
        return "tables"
    if prepared.is_prepared(path):
        return "prepared"
    if kdiffe.is_kdiffe(path):
        return "kdiffe"
    if megcf.is_megcf(path):
        return "megcf"
    for file in sorted(path.glob("*.inter")):
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            return "recbole" if ":" in lines.readline() else "mmrec"
    raise DataError(f"{path}: no known layout; name it by --source={'|'.join(SOURCES)}")


def _file_names(path: Path, *patterns: str) -> tuple[str, ...]:
    files = {file.name for pattern in patterns for file in path.glob(pattern) if file.is_file()}
    return tuple(sorted(files))
