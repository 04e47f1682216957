"""Files that add to any catalogue: items, triples, neighbours, dense features.

Each function gives back a new catalogue. What a file says of unknown items is dropped,
and a note of the catalogue counts it; a file that knows none of the items is refused.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.arrays import load_feature
from kdiffe_jax.data.readers.item_table import join_items, read_item_table
from kdiffe_jax.data.readers.link_table import join_neighbours, join_triples
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Progress, check_content
from kdiffe_jax.data.tables.ids import known_positions, unknown_note
from kdiffe_jax.errors import DataError


def add_items(
    catalogue: Catalogue,
    path: str | Path,
    columns: TableColumns | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Adds the columns of a table of items: text, attributes, names, pictures.

    Raises:
      DataError: see `read_item_table` and `join_items`.
    """
    return join_items(catalogue, read_item_table(path, columns or TableColumns(), progress))


def add_triples(
    catalogue: Catalogue, path: str | Path, relation: str = "", progress: Progress | None = None
) -> Catalogue:
    """Adds a table of `item, relation, entity` or, of one named relation, `item, entity`.

    Raises:
      DataError: see `join_triples`.
    """
    return join_triples(catalogue, path, relation, progress)


def add_neighbours(
    catalogue: Catalogue, path: str | Path, relation: str, progress: Progress | None = None
) -> Catalogue:
    """Adds a table of `item, neighbour[, weight]` as a relation between items.

    Raises:
      DataError: see `join_neighbours`.
    """
    return join_neighbours(catalogue, path, relation, progress)


def add_features(
    catalogue: Catalogue, path: str | Path, modality: str, ids_path: str | Path | None = None
) -> Catalogue:
    """Adds a dense feature, float[J, width], from an `.npy` file.

    Args:
      catalogue: any that has no feature of this modality yet.
      path: the array, one row an item in the order of the catalogue's items.
      modality: its name.
      ids_path: the item id of each row, one a line; by default `<stem>.ids.txt` beside the
        array where there is one. Items without a row get zeros, and a note counts them.

    Raises:
      DataError: an unreadable array, another number of rows than items (or ids), a NaN, an
        id that stands there twice, no known id.
    """
    path = Path(path)
    if modality in catalogue.features:
        raise DataError(f"{path}: there are {modality!r} features already; name these otherwise")
    check_content(path)
    beside = path.with_name(f"{path.stem}.ids.txt")
    ids_path = Path(ids_path) if ids_path else beside if beside.is_file() else None
    if ids_path is None:
        rows, notes = load_feature(path, catalogue.n_items), ()
    else:
        rows, notes = _rows_by_id(path, ids_path, catalogue)
    return dataclasses.replace(
        catalogue,
        features={**catalogue.features, modality: rows},
        notes=(*catalogue.notes, *notes),
        files=(*catalogue.files, *(file.name for file in (path, ids_path) if file)),
    )


def _rows_by_id(
    path: Path, ids_path: Path, catalogue: Catalogue
) -> tuple[np.ndarray, tuple[str, ...]]:
    ids = _read_ids(ids_path)
    found = known_positions(ids, catalogue.item_ids, ids_path)
    given = load_feature(path, len(ids))
    rows = np.zeros((catalogue.n_items, given.shape[1]), given.dtype)
    rows[found[found >= 0]] = given[found >= 0]
    without = catalogue.n_items - int((found >= 0).sum())
    zeros = f"{path.name}: {without} items have no row and get zeros" if without else ""
    return rows, tuple(filter(None, (unknown_note(ids_path, ids, found), zeros)))


def _read_ids(path: Path) -> list[str]:
    check_content(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text; save it as UTF-8") from error
    ids = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    lines: dict[str, int] = {}
    for number, name in enumerate(ids, start=1):
        if not name.strip():
            raise DataError(f"{path}, line {number}: the item id is empty; one id a line is needed")
        if lines.setdefault(name, number) != number:
            raise DataError(
                f"{path}, line {number}: item {name[:60]!r} is on line {lines[name]} already; "
                "keep one of the two rows"
            )
    return ids
