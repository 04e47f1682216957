"""The rows of a dense matrix with the largest inner products, where there are too many to look at
all pairs.

Rows are divided into as many cells as the root of their number, by k-means. A row is compared
with all rows of the cells whose centres are nearest to it (an inverted file, Jegou, 2011).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.dense import row_blocks
from kdiffe_jax.data.content.largest import Nearest, best_of_each, largest_in_rows

CELLS_LOOKED_AT = 12
_ROWS_AT_ONCE = 50_000
_FITTED_ON = 64  #: rows for each cell, by which the centres are found
_ROUNDS = 5  #: of k-means


def nearest_in_cells(rows: np.ndarray, n_nearest: int, *, seed: int = 0) -> Nearest:
    """The nearest other rows of each row; some of the nearest may be missed.

    Args:
      rows: f32[m, w], of length 1.
      n_nearest: of each row at most.
      seed: of the cells.
    """
    m = len(rows)
    n_cells = max(1, int(np.sqrt(m)))
    rng = np.random.default_rng(seed)
    sample = rows[rng.choice(m, min(m, _FITTED_ON * n_cells), replace=False)]
    looked_at = _nearest_cells(rows, _centres(sample, n_cells), CELLS_LOOKED_AT)
    members = _by_cell(looked_at[:, 0], n_cells)
    parts = [
        _of_rows(rows, wanted, looked_at, members, n_nearest)
        for wanted in np.split(np.arange(m), range(_ROWS_AT_ONCE, m, _ROWS_AT_ONCE))
    ]
    return Nearest(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _centres(rows: np.ndarray, n_cells: int) -> np.ndarray:
    """f32[n_cells, w]: by k-means that begins from the first rows; a cell left empty stays."""
    centres = rows[:n_cells].copy()
    for _ in range(_ROUNDS):
        cells = _nearest_cells(rows, centres, 1)[:, 0]
        ones = np.ones(len(rows), np.float32)
        sums = sparse.csr_array((ones, (cells, np.arange(len(rows)))), (n_cells, len(rows))) @ rows
        counts = np.bincount(cells, minlength=n_cells)
        filled = counts > 0
        centres[filled] = sums[filled] / counts[filled, None]
    return centres


def _nearest_cells(rows: np.ndarray, centres: np.ndarray, n_nearest: int) -> np.ndarray:
    """i32[m, k]: the nearest cells of each row, its own first."""
    found = []
    for block in row_blocks(len(rows), len(centres)):
        # Half the squared distance to a centre, but for the row's own length.
        near = rows[block] @ centres.T - 0.5 * np.square(centres).sum(axis=1)
        _, cells, _ = largest_in_rows(near, n_nearest)
        found.append(cells.reshape(len(near), -1).astype(np.int32))
    return np.concatenate(found)


def _by_cell(cells: np.ndarray, n_cells: int) -> list[np.ndarray]:
    """The rows of each cell."""
    order = np.argsort(cells, kind="stable")
    return np.split(order, np.searchsorted(cells[order], np.arange(1, n_cells)))


def _of_rows(
    rows: np.ndarray,
    wanted: np.ndarray,
    looked_at: np.ndarray,
    members: list[np.ndarray],
    n_nearest: int,
) -> Nearest:
    """The nearest rows of some: of every cell its best, and of these the best of all."""
    cells = looked_at[wanted]
    asking = _by_cell(cells.ravel(), len(members))
    found = [
        part
        for cell, asked in enumerate(asking)
        for part in _in_cell(rows, wanted[asked // cells.shape[1]], members[cell], n_nearest)
    ]
    joined = Nearest(*(np.concatenate(column) for column in zip(*found, strict=True)))
    return best_of_each(joined, n_nearest)


def _in_cell(
    rows: np.ndarray, wanted: np.ndarray, members: np.ndarray, n_nearest: int
) -> Iterator[Nearest]:
    if not len(members):
        return
    for block in row_blocks(len(wanted), len(members)):
        some = wanted[block]
        products = rows[some] @ rows[members].T
        products[some[:, None] == members[None]] = -np.inf
        near, others, values = largest_in_rows(products, n_nearest)
        yield Nearest(some[near], members[others], values)
