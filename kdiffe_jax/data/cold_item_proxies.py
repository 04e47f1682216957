"""Which trained items stand in for each cold item, one that training never saw."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def cold_item_proxies(neighbours: sparse.csr_array, degrees: np.ndarray) -> sparse.csr_array:
    """The nearest trained items of every cold item, as weights that sum to 1.

    Args:
      neighbours: f32[J, J], weights of each item's nearest items, none negative.
      degrees: int[J], training interactions of each item; 0 is a cold item.

    Returns:
      f32[J, J]. The rows of trained items, and of cold items without a trained neighbour,
      are empty.

    >>> near = sparse.csr_array(np.array([[0, 1, 3, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    >>> cold_item_proxies(near, np.array([0, 5, 2, 0])).toarray().tolist()[0]
    [0.0, 0.25, 0.75, 0.0]
    """
    trained = (degrees > 0).astype(np.float32)
    links = sparse.diags_array(1 - trained) @ neighbours @ sparse.diags_array(trained)
    sums = np.asarray(links.sum(axis=1))
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    matrix = sparse.csr_array(sparse.diags_array(scale) @ links, dtype=np.float32)
    matrix.eliminate_zeros()
    return matrix
