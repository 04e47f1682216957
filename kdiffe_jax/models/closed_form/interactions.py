"""Training interactions as a sparse matrix on the host."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def interaction_matrix(train: np.ndarray, n_users: int, n_items: int) -> sparse.csr_array:
    """R: f64[I, J], 1 where a user has an item.

    Args:
      train: i32[n, 2] of (user, item), unique.
      n_users, n_items: I and J.

    >>> interaction_matrix(np.array([[0, 1], [1, 0]]), 2, 3).toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    users, items = train.T
    return sparse.csr_array((np.ones(len(users)), (users, items)), shape=(n_users, n_items))


def reciprocal_power(degrees: np.ndarray, exponent: float) -> np.ndarray:
    """degree^-exponent, 0 where the degree is 0.

    >>> reciprocal_power(np.array([4.0, 0.0]), 0.5).tolist()
    [0.5, 0.0]
    """
    return np.where(degrees > 0, np.maximum(degrees, 1.0) ** -exponent, 0.0)
