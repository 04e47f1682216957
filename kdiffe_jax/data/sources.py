"""Any source layout -> `Catalogue`: the door of preparation."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from kdiffe_jax.data.catalogue import Catalogue, catalogue_of
from kdiffe_jax.data.extra_files import add_all_features
from kdiffe_jax.data.nearest_layout import nearest
from kdiffe_jax.data.no_effect import refuse_without_effect
from kdiffe_jax.data.readers import (
    kdiffe,
    kgcn,
    lightgcn,
    megcf,
    mmrec,
    movielens,
    prepared,
    recbole,
    reviews,
    tables,
)
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.parts import part_files
from kdiffe_jax.data.tables.split_files import split_files
from kdiffe_jax.errors import ConfigError, DataError

SOURCES = (
    "kdiffe", "mmrec", "recbole", "megcf", "lightgcn", "kgcn", "movielens", "amazon", "yelp",
    "tables", "prepared",
)  # fmt: skip
# Layouts whose entities may be items by their ids.
SHARING_IDS = ("kdiffe", "tables")


def read_source(
    path: str | Path,
    layout: str = "auto",
    *,
    name: str,
    columns: TableColumns | None = None,
    shared_ids: bool = False,
    beside: Collection[str] = (),
    progress: Callable[[int, int, int], None] | None = None,
) -> tuple[str, Catalogue]:
    """Reads any source layout, for `prepare`.

    Args:
      path: the directory, or a table of interactions.
      layout: one of `SOURCES`, or "auto".
      columns: what the columns of tables are called.
      shared_ids: of the layouts `SHARING_IDS`, whether entities that have ids of items are these.
      beside: which kinds of extra files will be added, by their flags.
      progress: receives (rows done, bytes done, bytes in all) while tables are read.

    Returns:
      The layout that was read, and the catalogue.

    Raises:
      DataError: no such layout there, or what its reader finds.
      ConfigError: an option in `columns` that the layout has no use for.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or directory")
    if layout == "auto":
        layout = layout_of(path)
    refuse_without_effect(layout, columns or TableColumns(), beside)
    if layout == "tables":
        catalogue = tables.read_tables(
            path, name=name, columns=columns, shared_ids=shared_ids, progress=progress
        )
        return layout, add_all_features(catalogue, path)
    if layout == "kdiffe":
        catalogue = kdiffe.read_kdiffe_source(path, name=name, shared_ids=shared_ids)
        files = _file_names(path, "*Mat.pkl", "*_feat.npy", "kg.txt")
        return layout, catalogue.extended(files=files)
    if layout == "prepared":
        return layout, catalogue_of(
            prepared.read_prepared(path, name=name),
            _file_names(path, "dataset.json", "*.tsv", "*_feat.npy"),
        )
    numbered = {
        "megcf": megcf.read_megcf, "lightgcn": lightgcn.read_lightgcn, "kgcn": kgcn.read_kgcn,
    }  # fmt: skip
    if layout in numbered:
        return layout, numbered[layout](path, name=name)
    large = {
        "movielens": movielens.read_movielens,
        "amazon": reviews.read_amazon,
        "yelp": reviews.read_yelp,
    }
    if layout in large:
        return layout, large[layout](path, name=name, columns=columns, progress=progress)
    read = mmrec.read_mmrec if layout == "mmrec" else recbole.read_recbole
    return layout, read(path, name=name, columns=columns)


def refuse_unshared(layout: str, catalogue: Catalogue, *, triples_beside: bool = False) -> None:
    """Refuses shared ids where there are no triples that they are ids of.

    Raises:
      ConfigError: the layout has entities of its own kind, or no triples.
    """
    if not (triples_beside or (layout in SHARING_IDS and catalogue.relations)):
        raise ConfigError(
            f"--kg_ids=shared has no effect: it is for triples of --source={'|'.join(SHARING_IDS)} "
            f"or of --triples, and {catalogue.name} is {layout} without any"
        )


def layout_of(path: Path) -> str:
    """Which of `SOURCES` a directory or file looks like.

    Raises:
      DataError: none of them.
    """
    if layout := _known_layout(path):
        return layout
    near = _within(path) or nearest(path)
    raise DataError(
        f"{path}: no known layout; {near + '; ' if near else ''}known are {', '.join(SOURCES)} "
        "(docs/data.md has their files); name one by --source, or give the file of a "
        "table of interactions"
    )


def _within(path: Path) -> str:
    """Says which folder of a directory has a layout, as where an archive brought one of its own."""
    for folder in sorted(found for found in path.iterdir() if found.is_dir()):
        if layout := _known_layout(folder):
            return f"its folder has that of {layout}: --input={folder}"
    return ""


def _known_layout(path: Path) -> str:
    if path.is_file() or any(path.glob("interactions*")) or part_files(path):
        return "tables"
    if prepared.is_prepared(path):
        return "prepared"
    if kdiffe.is_kdiffe(path):
        return "kdiffe"
    if megcf.is_megcf(path):
        return "megcf"
    if kgcn.is_kgcn(path):
        return "kgcn"
    if lightgcn.is_lightgcn(path):
        return "lightgcn"
    if movielens.is_movielens(path):
        return "movielens"
    for file in sorted(path.glob("*.inter")):
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            return "recbole" if ":" in lines.readline() else "mmrec"
    if reviews.is_yelp(path):
        return "yelp"
    if reviews.is_amazon(path):
        return "amazon"
    return "tables" if split_files(path) else ""


def _file_names(path: Path, *patterns: str) -> tuple[str, ...]:
    files = {file.name for pattern in patterns for file in path.glob(pattern) if file.is_file()}
    return tuple(sorted(files))
