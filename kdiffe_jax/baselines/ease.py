"""EASE: the linear item-item model with a closed form (Steck, 2019).

With G = R^T R over the training interactions and P = (G + lambda I)^-1, the weights are
B = I - P diag(P)^-1, that is -P_ij / P_jj off the diagonal and 0 on it; users score R B.
The only part of the program that holds a matrix of items x items.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.baselines.interactions import interaction_matrix
from kdiffe_jax.rankers import Ranker, score_ranker

_ROWS_AT_ONCE = 512


def ease_memory_gb(n_items: int) -> float:
    """What the two float32 matrices of a fit need, G and P, in GB of 10^9 bytes.

    >>> ease_memory_gb(20_000)
    3.2
    """
    return 2 * 4 * n_items**2 / 1e9


class Ease:
    """Holds G and fits one lambda at a time.

    Args:
      bench: its training interactions.
    """

    def __init__(self, bench: Bench):
        self._matrix = interaction_matrix(bench).astype(np.float32)
        self._gram = (self._matrix.T @ self._matrix).toarray(order="F")

    def fit(self, regularisation: float) -> Ranker:
        """Ranks by R B.

        Raises:
          numpy.linalg.LinAlgError: in single precision G + lambda I is not positive definite.
        """
        matrix = self._matrix
        off_diagonal, scale = ease_weights(self._gram, regularisation)

        def scores(users: np.ndarray) -> np.ndarray:
            return (matrix[users] @ off_diagonal) * scale

        return score_ranker(scores, n_items=matrix.shape[1])


def ease_weights(gram: np.ndarray, regularisation: float) -> tuple[np.ndarray, np.ndarray]:
    """B as a symmetric matrix with zero diagonal and one factor a column.

    Args:
      gram: f32[J, J], G in column order; unchanged.
      regularisation: lambda.

    Returns:
      f32[J, J] and f32[J]; B_ij is their product over j.

    Raises:
      numpy.linalg.LinAlgError: G + lambda I is not positive definite in this precision.
    """
    inverse = gram.copy(order="F")
    inverse[np.diag_indices_from(inverse)] += regularisation
    inverse, failed = lapack.spotrf(inverse, lower=1, clean=0, overwrite_a=1)
    if not failed:
        inverse, failed = lapack.spotri(inverse, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError(
            f"lambda = {regularisation:g} is too small for these interactions in single precision"
        )
    rows = inverse.T
    _mirror(rows)
    scale = -1.0 / np.diagonal(rows).copy()
    np.fill_diagonal(rows, 0.0)
    return rows, scale


def _mirror(matrix: np.ndarray) -> None:
    """Copies the upper triangle onto the lower one, in place."""
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        stop = start + _ROWS_AT_ONCE
        corner = np.triu(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = corner + np.triu(corner, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T
