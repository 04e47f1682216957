"""EASE: the linear item-item model with a closed form (Steck, 2019).

With G = R^T R over the training interactions and P = (G + lambda I)^-1, the weights are
B = I - P diag(P)^-1, that is -P_ij / P_jj off the diagonal and 0 on it; users score R B.
The only part of the program that holds a matrix of items x items.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from types import MappingProxyType

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.top_k_lists import lists_by_scores
from kdiffe_jax.models.closed_form.base import ClosedForm, Fitted, TunedOptions
from kdiffe_jax.options import option

_ROWS_AT_ONCE = 512


@dataclasses.dataclass(frozen=True)
class EASEOptions(TunedOptions):
    """Lambda."""

    grid = MappingProxyType({"regularisation": (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)})

    regularisation: float = option(100.0, "lambda: weight of the squared norm of B", above=0.0)


class EASE(ClosedForm):
    """Holds G, sparse, from the first fit on, and fits one lambda at a time."""

    Options = EASEOptions
    grid = EASEOptions.grid

    @classmethod
    def memory_gb(cls, n_items: int) -> float:
        """What two float32 matrices need, the best P so far and the next, in GB of 10^9 bytes.

        >>> EASE.memory_gb(20_000)
        3.2
        """
        return 2 * 4 * n_items**2 / 1e9

    def fit(self, *, regularisation: float) -> Fitted:
        """Ranks by R B.

        Raises:
          ConfigError: in single precision G + lambda I is not positive definite.
        """
        matrix = self.matrix.astype(np.float32)
        off_diagonal, scale = ease_weights(self._gram, regularisation)

        def scores(users: np.ndarray) -> np.ndarray:
            return (matrix[users] @ off_diagonal) * scale

        users, items = (np.zeros((size, 0), np.float32) for size in matrix.shape)
        weights = {"item_weights": off_diagonal, "item_scale": scale}
        lists = lists_by_scores(scores, n_items=len(items))
        return Fitted(lists, {"users": users, "items": items} | weights)

    @cached_property
    def _gram(self) -> sparse.csr_array:
        matrix = self.matrix.astype(np.float32)
        return sparse.triu(matrix.T @ matrix, format="csr")


def ease_weights(gram: sparse.csr_array, regularisation: float) -> tuple[np.ndarray, np.ndarray]:
    """B as a symmetric matrix with zero diagonal and one factor a column.

    Args:
      gram: f32[J, J], the upper triangle of G.
      regularisation: lambda.

    Returns:
      f32[J, J] and f32[J]; B_ij is their product over j.

    Raises:
      ConfigError: G + lambda I is not positive definite in this precision.
    """
    inverse = gram.toarray().T  # its lower triangle, in column order
    inverse[np.diag_indices_from(inverse)] += regularisation
    inverse, failed = lapack.spotrf(inverse, lower=1, clean=0, overwrite_a=1)
    if not failed:
        inverse, failed = lapack.spotri(inverse, lower=1, overwrite_c=1)
    if failed:
        raise ConfigError(
            f"regularisation = {regularisation:g}: too small for these interactions in single "
            "precision; give --tuned=false and a larger one"
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
