"""What a ridge regression finds of the planted truth: what a denoiser can be measured by.

Items are their rows in the 20 leading singular vectors of the training interactions; a regression
on them says how probable each of an item's entities is, by weights that did not see the item.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.models.kdiffe.planted_truth import within_item_auc

_RANK, _PENALTY = 20, 10.0


def ridge_values(dataset: Dataset) -> np.ndarray:
    """f64[m], how probable the regression finds each triple, over how frequent its entity is."""
    items, entities = dataset.triples[:, 0], dataset.triples[:, 2]
    rows = np.zeros((dataset.n_items, dataset.n_entities))
    rows[items, entities] = 1.0
    seen = np.c_[_item_vectors(dataset), np.ones(dataset.n_items)]
    inverse = np.linalg.inv(seen.T @ seen + _PENALTY * np.eye(seen.shape[1]))
    fitted = (seen @ (inverse @ (seen.T @ rows)))[items, entities]
    own = np.einsum("ij,jk,ik->i", seen, inverse, seen)[items]
    return (fitted - own) / (1 - own) / rows.mean(axis=0)[entities]


def ridge_auc(dataset: Dataset) -> float:
    """AUC of an item's relevant over its irrelevant triples."""
    return within_item_auc(ridge_values(dataset), dataset.triples, dataset.relevant)


def kept_by_ridge(dataset: Dataset, share: float) -> np.ndarray:
    """f64[m], weights: 1 for the best share of each item's triples, a millionth for the others."""
    items = dataset.triples[:, 0]
    order = np.lexsort((-ridge_values(dataset), items))
    rank = np.empty_like(order)
    rank[order] = position_in_group(items[order])
    kept = np.maximum(1, np.round(share * np.bincount(items)[items]))
    return np.where(rank < kept, 1.0, 1e-6)


def _item_vectors(dataset: Dataset) -> np.ndarray:
    users, items = dataset.train.T
    shape = (dataset.n_items, dataset.n_users)
    matrix = sp.csr_array((np.ones(len(users)), (items, users)), shape=shape)
    of_items, of_users = (np.maximum(matrix.sum(axis=axis), 1.0) ** -0.5 for axis in (1, 0))
    matrix = sp.diags_array(of_items) @ matrix @ sp.diags_array(of_users)
    left, values, _ = svds(matrix, k=_RANK, v0=np.ones(min(shape)))
    vectors = left * values
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
