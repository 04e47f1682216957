"""Files that add to any catalogue: items, features, class scores; see `link_table` for links.

Each function gives back a new catalogue. What a file says of unknown items is dropped,
and a note of the catalogue counts it; a file that knows none of the items is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.content.labels import label_relation, read_class_names
from kdiffe_jax.data.content.neighbours import similarity_relation
from kdiffe_jax.data.plain_files import read_names
from kdiffe_jax.data.readers.arrays import (
    feature_file_name,
    feature_files,
    load_feature,
    modality_of,
)
from kdiffe_jax.data.readers.item_table import join_items, read_item_table
from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.data.settings import LabelSettings
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


def add_features(
    catalogue: Catalogue, path: str | Path, modality: str, ids_path: str | Path | None = None
) -> Catalogue:
    """Adds a dense feature, float[J, width], from an `.npy` file.

    Args:
      catalogue: any that has no feature of this modality yet.
      path: the array, one row an item in the order of the catalogue's items.
      ids_path: the item id of each row, one a line; by default `<stem>.ids.txt` beside the
        array where there is one. Items without a row get zeros, and a note counts them.

    Raises:
      DataError: a name that can be no part of a file's name, an unreadable array, another
        number of rows than items (or ids), a value that is not finite as float32, an id that
        stands there twice, no known id.
    """
    path = Path(path)
    feature_file_name(modality)
    if modality in catalogue.features:
        raise DataError(f"{path}: there are {modality!r} features already; name these otherwise")
    rows, catalogue = _item_rows(catalogue, path, ids_path)
    return catalogue.extended(features={**catalogue.features, modality: rows})


def add_all_features(catalogue: Catalogue, directory: Path) -> Catalogue:
    """Adds every `<modality>_feat.npy` in a directory; see `add_features`."""
    for file in feature_files(directory):
        catalogue = add_features(catalogue, file, modality_of(file))
    return catalogue


def add_labels(
    catalogue: Catalogue,
    path: str | Path,
    names_path: str | Path,
    relation: str,
    settings: LabelSettings,
    ids_path: str | Path | None = None,
) -> Catalogue:
    """Adds the likeliest classes of each item from class scores, float[J, C], in an `.npy` file.

    Args:
      path, ids_path: as for `add_features`; items without a row have no label.
      names_path: the name of one class a line.
      settings: how many labels an item has, and how likely they must be.

    Raises:
      DataError: as for `add_features`; another number of names than columns; scores that
        are neither probabilities nor logits.
    """
    rows, catalogue = _item_rows(catalogue, Path(path), ids_path)
    names = read_class_names(Path(names_path), rows.shape[1])
    made = label_relation(relation, rows, names, settings, item_ids=catalogue.item_ids)
    return catalogue.extended(relations=[made], files=[Path(names_path).name])


def add_similarity(catalogue: Catalogue, path: str | Path, relation: str) -> Catalogue:
    """Adds a similarity between items, scipy sparse [n, n], from a `.pkl` or `.npz` file.

    Rows and columns are the catalogue's items in their order, or those of `<stem>.ids.txt` beside
    the file.

    Raises:
      DataError: an unreadable or refused file, another shape, negative or NaN values; no ids where
        the source does not number its items; no known id.
    """
    path = Path(path)
    ids_path, notes, files = _ids_of_rows(catalogue, path), (), [path.name]
    ids = catalogue.item_ids if ids_path is None else _read_ids(ids_path)
    matrix = load_sparse(path)
    if matrix.shape != (len(ids), len(ids)):
        raise DataError(
            f"{path}: a similarity of shape {matrix.shape} for {len(ids)} items; one row and "
            "column an item is needed"
        )
    if ids_path is not None:
        found = known_positions(ids, catalogue.item_ids, ids_path)
        matrix, files = _of_items(matrix, found, catalogue.n_items), [path.name, ids_path.name]
        notes = (unknown_note(ids_path, ids, found, known=catalogue.item_ids),)
    made = similarity_relation(relation, matrix)
    return catalogue.extended(relations=[made], notes=notes, files=files)


def _of_items(matrix: Any, items: np.ndarray, n_items: int) -> sparse.coo_array:
    """The entries between known items, at their places; `items` is -1 where an id is unknown."""
    given = sparse.coo_array(matrix)
    rows, columns = items[given.row], items[given.col]
    known = (rows >= 0) & (columns >= 0)
    entries = given.data[known], (rows[known], columns[known])
    return sparse.coo_array(entries, shape=(n_items, n_items))


def _item_rows(
    catalogue: Catalogue, path: Path, ids_path: str | Path | None
) -> tuple[np.ndarray, Catalogue]:
    """One row an item, and the catalogue with what there is to log and the files read."""
    check_content(path)
    ids_path = Path(ids_path) if ids_path else _ids_of_rows(catalogue, path)
    if ids_path is None:
        return load_feature(path, catalogue.n_items), catalogue.extended(files=[path.name])
    rows, notes = _rows_by_id(path, ids_path, catalogue)
    return rows, catalogue.extended(notes=notes, files=[path.name, ids_path.name])


def _ids_of_rows(catalogue: Catalogue, path: Path) -> Path | None:
    """The file of ids beside a matrix; None where there is none and the order is known."""
    beside = path.with_name(f"{path.stem}.ids.txt")
    if beside.is_file():
        return beside
    if not catalogue.numbered:
        raise DataError(
            f"{path}: the source does not number its items, so the order of these rows is not "
            f"known; write the item id of each row, one a line, to {beside.name} beside it"
        )
    return None


def _rows_by_id(
    path: Path, ids_path: Path, catalogue: Catalogue
) -> tuple[np.ndarray, tuple[str, ...]]:
    ids = _read_ids(ids_path)
    return rows_by_id(load_feature(path, len(ids)), ids, catalogue, path, ids_path)


def rows_by_id(
    given: np.ndarray, ids: Sequence[str], catalogue: Catalogue, path: Path, ids_path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """float[J, width] by the catalogue's items, zeros where there is none, and notes on both.

    Args:
      given: float[n, width].
      ids: the item of each row, unique.
      catalogue: whose items count.
      path, ids_path: what notes and refusals call the rows and their ids.

    Raises:
      DataError: no known id.
    """
    found = known_positions(ids, catalogue.item_ids, ids_path)
    rows = np.zeros((catalogue.n_items, given.shape[1]), given.dtype)
    rows[found[found >= 0]] = given[found >= 0]
    without = catalogue.n_items - int((found >= 0).sum())
    zeros = f"{path.name}: {without} items have no row and get zeros" if without else ""
    return rows, (unknown_note(ids_path, ids, found, known=catalogue.item_ids), zeros)


def _read_ids(path: Path) -> tuple[str, ...]:
    check_content(path)
    ids = read_names(path)
    while ids and not ids[-1].strip():
        ids = ids[:-1]
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
