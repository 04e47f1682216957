"""The rows of a sparse matrix with the largest inner products, where too many have something in
common to look at all pairs.

Two searches bring candidates, whose products are exact. Rows that share a rare column are looked
at as `sparse_nearest.py` does, as far as there is room. For the others rows are brought into
random orders in which those alike stand near each other: the columns are drawn in a random order,
the heavy ones oftener first, and rows are sorted by which of their columns come first. Two rows
begin with the same one as often as they are alike (weighted min-wise sampling, Ioffe, 2010; rows
beside each other as in Charikar, 2002). Each row looks at those beside it.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.largest import Nearest, best_of_each
from kdiffe_jax.data.content.sparse_nearest import nearest_rows
from kdiffe_jax.data.rows import position_in_group

ORDERS = 8  #: random orders of rows
BESIDE = 16  #: rows looked at on each side, in each order
_FIRST = 4  #: columns by which rows are sorted


def nearest_alike(
    rows: sparse.csr_array, n_nearest: int, *, most_pairs: float, seed: int = 0
) -> Nearest:
    """`nearest_rows` of a matrix with itself; some of the nearest may be missed.

    Args:
      rows: f32[m, E], of length 1.
      n_nearest: of each row at most.
      most_pairs: rows that share a rare column are all looked at up to so many pairs.
      seed: of the orders.
    """
    rng = np.random.default_rng(seed)
    best = _by_rare_columns(rows, n_nearest, most_pairs)
    weights = _weights(rows)
    for _ in range(ORDERS):
        order = _alike_together(rows, rng.exponential(size=rows.shape[1]) / weights)
        found = _beside(rows, order, n_nearest)
        both = Nearest(*(np.concatenate(parts) for parts in zip(best, found, strict=True)))
        best = best_of_each(both, n_nearest)
    return best


def _by_rare_columns(rows: sparse.csr_array, n_nearest: int, most_pairs: float) -> Nearest:
    counts = np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.float64)
    order = np.argsort(counts, kind="stable")
    rare = np.zeros(rows.shape[1], bool)
    rare[order[np.cumsum(counts[order] ** 2) <= most_pairs]] = True
    part = sparse.csr_array(rows @ sparse.diags_array(rare.astype(np.float32)), dtype=np.float32)
    part.eliminate_zeros()
    near = nearest_rows(part, part, 2 * n_nearest, itself=False)
    exact = products_of(rows, near.rows, near.others)
    return best_of_each(near._replace(products=exact), n_nearest)


def products_of(rows: sparse.csr_array, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """f32[n]: the inner product of each pair of rows."""
    at_once = 1_000_000
    parts = [np.zeros(0, np.float32)]
    for begin in range(0, len(left), at_once):
        pair = (rows[which[begin : begin + at_once]] for which in (left, right))
        parts.append(_row_products(*pair))
    return np.concatenate(parts)


def _row_products(one: sparse.csr_array, other: sparse.csr_array) -> np.ndarray:
    return np.asarray(one.multiply(other).sum(axis=1), np.float32).ravel()


def _weights(rows: sparse.csr_array) -> np.ndarray:
    """f64[E]: the mean square of a column's entries, above 0."""
    squares = np.bincount(rows.indices, rows.data.astype(np.float64) ** 2, rows.shape[1])
    return np.maximum(
        squares / np.maximum(np.bincount(rows.indices, minlength=len(squares)), 1), 1e-9
    )


def _alike_together(rows: sparse.csr_array, priority: np.ndarray) -> np.ndarray:
    """int[m]: the rows by their columns of least priority, in the order of these."""
    of_row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((priority[rows.indices], of_row))
    place = position_in_group(of_row[order])
    keys = []
    for number in range(_FIRST):
        chosen = order[place == number]
        key = np.full(rows.shape[0], rows.shape[1])
        key[of_row[chosen]] = rows.indices[chosen]
        keys.append(key)
    return np.lexsort(keys[::-1])


def _beside(rows: sparse.csr_array, order: np.ndarray, n_nearest: int) -> Nearest:
    """The best of the rows that stand beside each other in an order."""
    sorted_rows, m = rows[order], rows.shape[0]
    products = np.zeros((m, 2 * BESIDE), np.float32)
    places = np.zeros((m, 2 * BESIDE), np.int64)
    for step in range(1, min(BESIDE, m - 1) + 1):
        found = _row_products(sorted_rows[:-step], sorted_rows[step:])
        products[:-step, 2 * step - 2], places[:-step, 2 * step - 2] = found, np.arange(step, m)
        products[step:, 2 * step - 1], places[step:, 2 * step - 1] = found, np.arange(m - step)
    kept = min(n_nearest, products.shape[1])
    best = np.argpartition(products, -kept, axis=1)[:, -kept:]
    others = order[np.take_along_axis(places, best, axis=1)]
    values = np.take_along_axis(products, best, axis=1)
    return Nearest(np.repeat(order, kept), others.ravel(), values.ravel())
