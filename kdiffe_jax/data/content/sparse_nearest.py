"""The rows of a sparse matrix with the largest inner products: exact, blocks of rows at a time.

What is looked at are pairs of rows that have a column in common. Their number, the sum over
columns of the product of both counts, is what the search costs; where it is too large, see
`alike_rows.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.largest import Nearest, largest_in_rows

AT_ONCE = 10_000_000  #: products that a block holds


def nearest_rows(
    rows: sparse.csr_array,
    others: sparse.csr_array,
    n_nearest: int,
    *,
    itself: bool = True,
    at_once: int = AT_ONCE,
) -> Nearest:
    """The rows of `others` with the largest positive inner products, for each of `rows`.

    Args:
      rows: f32[m, E].
      others: f32[J, E].
      n_nearest: of each row at most; equal in six digits is equal, and of equal ones the lower
        is the nearer.
      itself: False where both are one matrix and no row is near to itself.
      at_once: products that a block holds at most, but for a single row of more.

    >>> rows = sparse.csr_array(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], np.float32))
    >>> near = nearest_rows(rows, rows, 1, itself=False)
    >>> near.rows.tolist(), near.others.tolist(), [f"{p:.1f}" for p in near.products]
    ([0, 1, 2], [1, 0, 1], ['0.8', '0.8', '0.6'])
    """
    transposed = sparse.csr_array(others.T)
    most = np.minimum(pairs_of_rows(rows, others), others.shape[0]).astype(np.int64)
    found = [_nothing()]
    for block in _blocks(most, at_once):
        products = sparse.csr_array(rows[block] @ transposed)
        columns, values = _padded(products)
        if not itself:
            values[columns == block[:, None]] = 0.0
        near = _largest(columns, values, n_nearest)
        found.append(near._replace(rows=block[near.rows]))
    joined = Nearest(*(np.concatenate(part) for part in zip(*found, strict=True)))
    return Nearest(*(part[np.argsort(joined.rows, kind="stable")] for part in joined))


def pairs_of_rows(rows: sparse.csr_array, others: sparse.csr_array) -> np.ndarray:
    """f64[m]: how many entries of `others` stand in a column of each row, counted by columns."""
    counts = np.bincount(others.indices, minlength=others.shape[1]).astype(np.float64)
    has = sparse.csr_array((np.ones(rows.nnz), rows.indices, rows.indptr), shape=rows.shape)
    return has @ counts


def _blocks(most: np.ndarray, at_once: int) -> Iterator[np.ndarray]:
    """Rows of like length together, each block as wide as its longest row."""
    order = np.argsort(most, kind="stable")
    order = order[np.searchsorted(most[order], 1) :]
    while len(order):
        widths = most[order[: max(1, at_once // most[order[0]])]]
        n = max(1, int(np.searchsorted(np.arange(1, len(widths) + 1) * widths, at_once, "right")))
        yield np.sort(order[:n])
        order = order[n:]


def _padded(products: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """int[m, w] columns, ascending, and f32[m, w] values of every row; padding is column -1."""
    products.sort_indices()
    counts = np.diff(products.indptr)
    shape = len(counts), int(counts.max(initial=0))
    rows = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(products.nnz) - products.indptr[rows]
    columns, values = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
    columns[rows, places], values[rows, places] = products.indices, products.data
    return columns, values


def _largest(columns: np.ndarray, values: np.ndarray, n_nearest: int) -> Nearest:
    rows, places, products = largest_in_rows(values, n_nearest)
    real = products > 0
    rows, places, products = rows[real], places[real], products[real]
    return Nearest(rows, columns[rows, places].astype(np.intp), products)


def _nothing() -> Nearest:
    nowhere = np.zeros(0, np.intp)
    return Nearest(nowhere, nowhere, np.zeros(0, np.float32))
