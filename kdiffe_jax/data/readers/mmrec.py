"""The directory layout of MMRec and MMHCL.

<name>.inter                       userID, itemID [, rating, timestamp, x_label], tab-separated;
                                   x_label 0, 1, 2 is train, valid, test
[image_feat.npy text_feat.npy ...] one row an item
[i_id_mapping.csv u_id_mapping.csv] what the source called each item and user
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.readers.columns import Column, open_table, read_columns
from kdiffe_jax.data.readers.inter import columns_by_role, find_inter, growing_integers
from kdiffe_jax.data.readers.lines import count_ids, source_directory
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED, shape_of_npy

FILES = "<name>.inter, and where there are any *_feat.npy, i_id_mapping.csv, u_id_mapping.csv"
ITEM_NAMES = "i_id_mapping.csv"
USER_NAMES = "u_id_mapping.csv"


def read_mmrec(path: str | Path, *, name: str) -> Catalogue:
    """Reads the directory; the split is the one in x_label.

    Users are those that occur. Items are 0..J - 1, where J is the number of feature rows, or
    else reaches the largest item that occurs or is named.

    Args:
      path: the directory.
      name: the data set's name, and of its `.inter` file unless that is the only one.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path = source_directory(path)
    file = find_inter(path, name)
    columns = _read_inter(file)
    item_names, user_names = _read_names(path / ITEM_NAMES), _read_names(path / USER_NAMES)
    users, user_of_row = np.unique(columns["user"], return_inverse=True)
    n_items = max(
        count_ids(file, "item", columns["item"]),
        max(item_names, default=-1) + 1,
        _most_feature_rows(path),
    )
    times, note = growing_integers(columns["time"]) if "time" in columns else (None, "")
    notes = [note] if note else []
    if "split" not in columns:
        notes.append(f"{file.name} has no x_label column: it gives no split")
    features = load_features(path, n_items)
    named = [n for n in (ITEM_NAMES, USER_NAMES) if (path / n).exists()]
    return Catalogue(
        name=name,
        user_ids=_external(users.tolist(), user_names, path / USER_NAMES),
        item_ids=_external(range(n_items), item_names, path / ITEM_NAMES),
        interactions=Interactions(
            users=user_of_row.ravel().astype(np.int32),
            items=columns["item"].astype(np.int32),
            ratings=_any_given(columns.get("rating")),
            times=times,
            split=columns.get("split"),
        ),
        features=features,
        notes=tuple(notes),
        files=(file.name, *named, *(f"{modality}_feat.npy" for modality in features)),
    )


def _read_inter(file: Path) -> dict[str, np.ndarray]:
    """Columns by role; those that have none are left out."""
    table = open_table(file)
    if any(":" in name for name in table.header):
        raise DataError(
            f"{file}, line 1: {' '.join(table.header)[:60]!r} is a header of RecBole; "
            "read it with --source=recbole"
        )
    convert = {
        "user": Column.integers,
        "item": Column.integers,
        "rating": Column.ratings,
        "time": Column.times,
        "split": _split,
    }
    roles = columns_by_role(file, table.header, table.header, tuple(convert))
    arrays = read_columns(table, {column: convert[role] for role, column in roles.items()})
    columns = {role: arrays[column] for role, column in roles.items()}
    if not len(columns["user"]):
        raise DataError(f"{file}: no interaction follows the header")
    return columns


def _split(column: Column) -> np.ndarray:
    column.refuse_first((text not in ("0", "1", "2") for text in column.texts), "0, 1 or 2")
    return np.fromiter(map(int, column.texts), np.int8, len(column.texts))


def _any_given(ratings: np.ndarray | None) -> np.ndarray | None:
    return None if ratings is None or np.isnan(ratings).all() else ratings


def _most_feature_rows(path: Path) -> int:
    """Rows of the longest feature file; those that can't be read are refused on loading."""
    rows = [0]
    for file in path.glob("*_feat.npy"):
        try:
            rows.extend(shape_of_npy(file)[:1])
        except DAMAGED:
            continue
    return max(rows)


def _read_names(file: Path) -> dict[int, str]:
    """Number -> external id; empty where there is no file.

    Raises:
      DataError: other than two columns, a number or an id that stands there twice.
    """
    if not file.exists():
        return {}
    table = open_table(file)
    if len(table.header) != 2:
        table = open_table(file, ",")
    if len(table.header) != 2:
        raise DataError(
            f"{file}, line 1: expected two columns, external id and number; mend or remove it"
        )
    external, numbers = table.header
    names: dict[int, str] = {}
    seen: set[str] = set()
    for chunk in table.chunks:
        texts, ids = chunk[external].tokens(), chunk[numbers].integers().tolist()
        for row, (text, number) in enumerate(zip(texts, ids, strict=True)):
            if number in names:
                chunk[numbers].refuse(row, "a number that does not stand there twice")
            if text in seen:
                chunk[external].refuse(row, "an id that does not stand there twice")
            names[number] = text
            seen.add(text)
    return names


def _external(numbers, names: dict[int, str], file: Path) -> tuple[str, ...]:
    if not names:
        return tuple(map(str, numbers))
    missing = next((n for n in numbers if n not in names), None)
    if missing is not None:
        raise DataError(f"{file}: no line names number {missing}; add it, or remove the file")
    return tuple(names[n] for n in numbers)
