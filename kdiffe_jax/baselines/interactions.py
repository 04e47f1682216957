"""Training interactions as a sparse matrix on the host."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.baselines.bench import Bench


def interaction_matrix(bench: Bench) -> sparse.csr_array:
    """f64[I, J], 1 where a user has an item."""
    users, items = bench.train.T
    return sparse.csr_array(
        (np.ones(len(users)), (users, items)), shape=(bench.n_users, bench.n_items)
    )


def reciprocal_power(degrees: np.ndarray, exponent: float) -> np.ndarray:
    """degree^-exponent, 0 where the degree is 0.

    >>> reciprocal_power(np.array([4.0, 0.0]), 0.5).tolist()
    [0.5, 0.0]
    """
    return np.where(degrees > 0, np.maximum(degrees, 1.0) ** -exponent, 0.0)
