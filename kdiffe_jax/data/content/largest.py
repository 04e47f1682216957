"""The largest of many inner products in each row, as all searches for nearest items order them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.rows import position_in_group

# Single precision tells no finer cosines apart; rounded, equal rows tie.
_DIGITS = 6
MISSED = "may be missed"  #: in the note of a search that does not look at all pairs


class Nearest(NamedTuple):
    """Rows, those near to each, nearest first, and their inner products."""

    rows: np.ndarray  #: int[n]
    others: np.ndarray  #: int[n]
    products: np.ndarray  #: f32[n], above 0, in six digits


def nearest_in_block(
    cosines: np.ndarray, start: int, n_neighbours: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a block, their nearest other rows, nearest first, and the cosines.

    Args:
      cosines: f32[n, all rows], of the rows `start`, `start` + 1, ...; equal in six digits
        is equal, and of equal ones the lower row is the nearer.
      n_neighbours: of each row; as many as there are other rows at most.
    """
    cosines = np.array(cosines)
    itself = np.arange(start, start + len(cosines))
    cosines[itself - start, itself] = -np.inf
    rows, others, weights = largest_in_rows(cosines, min(n_neighbours, cosines.shape[1] - 1))
    return itself[rows], others, weights


def largest_in_rows(
    cosines: np.ndarray, n_largest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, the columns of their largest cosines, largest first, and the cosines.

    Args:
      cosines: f32[n, m]; equal in six digits is equal, and of equal ones the lower column
        comes first.
      n_largest: of each row; m where that is smaller.

    >>> [part.tolist() for part in largest_in_rows(np.array([[0.25, 0.5, 0.5]]), 2)]
    [[0, 0], [1, 2], [0.5, 0.5]]
    """
    cosines = np.round(cosines, _DIGITS)
    n_largest = min(n_largest, cosines.shape[1])
    if n_largest < 1:
        nowhere = np.zeros(0, np.intp)
        return nowhere, nowhere, np.zeros(0, cosines.dtype)
    at = cosines.shape[1] - n_largest
    last = np.partition(cosines, at, axis=1)[:, at]
    rows, columns = np.nonzero(cosines >= last[:, None])
    weights = cosines[rows, columns]
    order = np.lexsort((columns, -weights, rows))
    largest = order[position_in_group(rows[order]) < n_largest]
    return rows[largest], columns[largest], weights[largest]


def best_of_each(found: Nearest, n_nearest: int) -> Nearest:
    """The pairs of the largest positive products of each row, none twice, ordered as above.

    >>> products = np.array([0.5, 0.7, 0.5, 0.0])
    >>> near = best_of_each(Nearest(np.array([1, 1, 1, 0]), np.array([2, 0, 2, 1]), products), 2)
    >>> near.rows.tolist(), near.others.tolist()
    ([1, 1], [0, 2])
    """
    rows, others = found.rows, found.others
    products = np.round(found.products, _DIGITS).astype(np.float32)
    order = np.lexsort((others, -products, rows))
    order = order[products[order] > 0]
    rows, others, products = rows[order], others[order], products[order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = (rows[1:] != rows[:-1]) | (others[1:] != others[:-1])
    rows, others, products = rows[fresh], others[fresh], products[fresh]
    kept = position_in_group(rows) < n_nearest
    return Nearest(rows[kept], others[kept], products[kept])
