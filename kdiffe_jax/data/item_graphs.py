"""Each item's nearest items by one modality, the item itself among them.

FREEDOM, MGCN and LATTICE read such graphs. Lists of neighbours that the data give are taken as
they are.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.neighbours import feature_neighbours
from kdiffe_jax.data.content.shared_entities import nearest_to_each
from kdiffe_jax.data.feature_rows import Rows, in_form


def item_graph(rows: Rows, n_nearest: int, *, given: bool = False) -> sparse.csr_array:
    """f32[J, J]: the cosines of each item's nearest items, 1 on the diagonal.

    Args:
      rows: f32[J, F], features or what stands in for them.
      n_nearest: of each item, itself counted; an item without content has itself alone.
      given: the rows are lists of neighbours with the item itself; they are the graph.

    >>> rows = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], np.float32)
    >>> item_graph(rows, 2).toarray().astype(float).round(2).tolist()
    [[1.0, 0.71, 0.0], [0.71, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if given:
        return sparse.csr_array(rows, dtype=np.float32)
    items, others, cosines = _nearest(rows, n_nearest - 1)
    n_items = rows.shape[0]
    near = sparse.csr_array((cosines, (items, others)), shape=(n_items, n_items))
    return sparse.csr_array(near + sparse.eye_array(n_items, dtype=np.float32), dtype=np.float32)


def _nearest(rows: Rows, n_others: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, others and their cosines; of very many items some of the nearest may be missed."""
    if isinstance(rows, np.ndarray):
        near = feature_neighbours("features", rows, n_others)
        return near.items, near.entities, np.asarray(near.weights, np.float32)
    found, _ = nearest_to_each(sparse.csr_array(in_form(rows, "unit")), n_others)
    return found.rows, found.others, found.products
