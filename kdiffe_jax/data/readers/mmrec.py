"""The directory layout of MMRec and MMHCL.

<name>.inter                       userID, itemID [, rating, timestamp, x_label], tab-separated;
                                   x_label 0, 1, 2 is train, valid, test
[image_feat.npy text_feat.npy ...] one row an item
[i_id_mapping.csv u_id_mapping.csv] what the source called each item and user
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.readers.inter import stem_of_inter
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.lines import LARGEST_ID, count_ids, source_directory
from kdiffe_jax.data.readers.number_rows import called
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Table, open_table
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED, shape_of_npy

ITEM_NAMES = "i_id_mapping.csv"
USER_NAMES = "u_id_mapping.csv"
_WHOLE = re.compile(r"\d{1,18}", re.ASCII).fullmatch


def read_mmrec(path: str | Path, *, name: str, columns: TableColumns | None = None) -> Catalogue:
    """Reads the directory; the split is the one in x_label.

    Users are those that occur. Items are 0..J - 1, where J is the number of feature rows, or
    else reaches the largest item that occurs or is named.

    Args:
      name: the data set's name, and of its `.inter` file unless that is the only one.
      columns: what the columns are called; by default they are found by common names.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path = source_directory(path)
    file = path / f"{stem_of_inter(path, name)}.inter"
    read = read_interactions([file], columns or TableColumns(), name=name, opened=_open)
    rows, notes = read.interactions, list(read.notes)
    users = _numbers(file, "user", read.user_ids, rows.users)[rows.users]
    items = _numbers(file, "item", read.item_ids, rows.items)[rows.items]
    item_names, user_names = _read_names(path / ITEM_NAMES), _read_names(path / USER_NAMES)
    users, user_of_row = np.unique(users, return_inverse=True)
    n_items = max(
        count_ids(file, "item", items), max(item_names, default=-1) + 1, _most_feature_rows(path)
    )
    if rows.split is None:
        notes.append(f"{file.name} has no x_label column: it gives no split")
    features = load_features(path, n_items)
    named = [n for n in (ITEM_NAMES, USER_NAMES) if (path / n).exists()]
    return Catalogue(
        name=name,
        user_ids=called(users.tolist(), user_names, path / USER_NAMES),
        item_ids=called(range(n_items), item_names, path / ITEM_NAMES),
        interactions=dataclasses.replace(
            rows, users=user_of_row.astype(np.int32), items=items.astype(np.int32)
        ),
        features=features,
        notes=tuple(notes),
        files=(file.name, *named, *(f"{modality}_feat.npy" for modality in features)),
    )


def _open(file: Path) -> Table:
    table = open_table(file, quote="none")
    if any(":" in name for name in table.names):
        raise DataError(
            f"{file}, row 1: {' '.join(table.names)[:60]!r} is a header of RecBole; "
            "read it with --source=recbole"
        )
    return table


def _numbers(file: Path, what: str, names: Sequence[str], codes: np.ndarray) -> np.ndarray:
    """int64[n]: the number that each name is; `codes` are the names of the rows below a header."""
    for code, name in enumerate(names):
        if not _WHOLE(name) or int(name) > LARGEST_ID:
            raise DataError(
                f"{file}, row {2 + int(np.argmax(codes == code))}: {what} {name[:60]!r}, "
                f"expected a whole number in 0..{LARGEST_ID}"
            )
    return np.fromiter(map(int, names), np.int64, len(names))


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
    table = open_table(file, quote="none")
    if len(table.names) != 2 or len({*table.names, ""}) != 3:
        raise DataError(
            f"{file}, row 1: expected two columns, external id and number; mend or remove it"
        )
    columns: list[list[str]] = [[], []]
    for part in table.parts(list(table.names)):
        for column, name in zip(columns, table.names, strict=True):
            column += part.columns[name].fill_null("").to_pylist()
    externals, texts = columns
    numbers = _numbers(file, table.names[1], texts, np.arange(len(texts))).tolist()
    for what, values in zip(table.names, (externals, numbers), strict=True):
        _check_unique(file, what, values)
    return dict(zip(numbers, externals, strict=True))


def _check_unique(file: Path, what: str, values: Sequence[str | int]) -> None:
    seen: set[str | int] = set()
    for row, value in enumerate(values, start=2):
        if value == "" or value in seen:
            state = "is empty" if value == "" else "stands there twice"
            raise DataError(f"{file}, row {row}: {what} {str(value)[:60]!r} {state}; mend it")
        seen.add(value)
