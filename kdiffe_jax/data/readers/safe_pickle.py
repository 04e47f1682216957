"""Reads stored scipy sparse matrices without letting the file run code.

A pickle may name only what `pickled.py` lists; everything else is refused by name before
anything is built. What a file declares is compared with what it holds before there is room
made for it.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kdiffe_jax.data.readers.pickled import Array, Sparse, unpickled
from kdiffe_jax.errors import DataError, one_line
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npz

_LARGEST_SIDE = np.iinfo(np.int32).max
_LOAD_FAILURES = (*DAMAGED, pickle.UnpicklingError, AttributeError)


def load_sparse(path: str | Path) -> sp.coo_array:
    """The sparse matrix in a file, as COO without duplicates or stored zeros.

    Args:
      path: a pickle of a scipy COO, CSR or CSC matrix or array, or of a 2-d numpy array;
        or, by its suffix, an .npz of `scipy.sparse.save_npz`.

    Returns:
      `scipy.sparse.coo_array` with float64 values, rows sorted.

    Raises:
      DataError: missing or truncated file, a class that is not admitted (nothing is
        executed), another type of content, non-finite or negative values.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        content = path.read_bytes()
        if not content:
            raise DataError(f"{path}: the file is empty; fetch it again")
        if content.startswith(b"version "):
            raise DataError(f"{path}: a Git LFS pointer, not the data; run `git lfs pull`")
        stored = _of_npz(path) if path.suffix == ".npz" else unpickled(content)
    except _LOAD_FAILURES as error:
        said = f"{path}: refused as a stored sparse matrix: {one_line(error)}"
        raise DataError(said) from error
    if not isinstance(stored, Sparse | Array):
        raise DataError(f"{path}: holds a {type(stored).__name__}, expected a sparse matrix")
    try:
        matrix = _of_rows(stored.rows) if isinstance(stored, Array) else _of_parts(stored)
    except (AttributeError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{path}: not a consistent sparse matrix: {str(error)[:200]}") from error
    bad = ~np.isfinite(matrix.data) | (matrix.data < 0)
    if bad.any():
        row = int(matrix.row[np.argmax(bad)])
        raise DataError(f"{path}: row {row}: a negative, NaN or infinite value; mend or drop it")
    matrix.eliminate_zeros()
    return matrix


def _of_npz(path: Path) -> Sparse:
    members = read_npz(path)
    kind = members["format"].item()
    stored = Sparse()
    stored.format = kind.decode("ascii") if isinstance(kind, bytes) else kind
    stored.attributes = {**members, "_shape": tuple(members["shape"].tolist())}
    return stored


def _of_rows(rows: np.ndarray) -> sp.coo_array:
    if rows.ndim != 2:
        raise ValueError(f"shape {rows.shape}, {rows.dtype}: expected a numeric matrix")
    row, column = np.nonzero(rows)
    return _matrix(rows.shape, row, column, rows[row, column])


def _of_parts(stored: Sparse) -> sp.coo_array:
    attributes = {name: _plain(value) for name, value in stored.attributes.items()}
    shape = attributes.get("_shape")
    if not (isinstance(shape, tuple) and len(shape) == 2 and all(map(_is_side, shape))):
        raise ValueError(f"shape {str(shape)[:60]}: expected a matrix")
    values = attributes["data"]
    if stored.format == "coo":
        row, column = attributes.get("coords") or (attributes["row"], attributes["col"])
        return _matrix(shape, row, column, values)
    if stored.format not in ("csr", "csc"):
        raise ValueError(f"format {str(stored.format)[:20]!r}: expected COO, CSR or CSC")
    minor = attributes["indices"]
    major = _expanded(attributes["indptr"], len(minor), shape[stored.format == "csc"])
    minor, values = minor[: len(major)], values[: len(major)]  # scipy keeps room for more
    row, column = (major, minor) if stored.format == "csr" else (minor, major)
    return _matrix(shape, row, column, values)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value.rows if isinstance(value, Array) else value


def _is_side(side: Any) -> bool:
    return isinstance(side, int) and 0 <= side <= _LARGEST_SIDE


def _expanded(starts: np.ndarray, n_entries: int, n_groups: int) -> np.ndarray:
    """int[n]: the group of each entry, from where the groups start."""
    if starts.shape != (n_groups + 1,) or starts[0] != 0 or starts[-1] > n_entries:
        raise ValueError("its row starts do not fit its entries")
    if starts.dtype.kind not in "iu" or (starts[1:] < starts[:-1]).any():
        raise ValueError("its row starts decrease")
    return np.repeat(np.arange(n_groups), np.diff(starts))


def _matrix(shape: tuple[int, int], row, column, values) -> sp.coo_array:
    """Sorted, duplicates summed. Nothing as long as a side of the matrix is made."""
    if not row.shape == column.shape == values.shape == (values.size,):
        raise ValueError("rows, columns and values of different lengths")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"values of type {values.dtype}: expected numbers")
    for index, side in ((row, shape[0]), (column, shape[1])):
        if index.dtype.kind not in "iu":
            raise ValueError(f"indices of type {index.dtype}: expected whole numbers")
        if len(index) and not (index.min() >= 0 and index.max() < side):
            raise ValueError("an index lies outside the shape")
    places = row.astype(np.int32), column.astype(np.int32)
    matrix = sp.coo_array((values.astype(np.float64), places), shape=shape)
    matrix.sum_duplicates()
    return matrix
