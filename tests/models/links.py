"""Sparse matrices of small problems, and the released programs' linear maps."""

import jax.numpy as jnp
from scipy import sparse

from kdiffe_jax.ops.sparse import operator_from_entries
from kdiffe_jax.ops.sparse_types import SparsePair


def pair_of(matrix):
    """A dense matrix as a pair with floats of the default precision."""

    def operator(dense):
        entries = sparse.csr_array(dense).tocoo()
        values = jnp.asarray(entries.data, float)
        return operator_from_entries(values, entries.row, entries.col, shape=entries.shape)

    return SparsePair(operator(matrix), operator(matrix.T))


def nearest_by_cosine(rows, k):
    """Dense cosines of each row's k nearest, itself among them; 0 elsewhere."""
    unit = rows / (rows**2).sum(axis=1, keepdims=True) ** 0.5
    cosines = unit @ unit.T
    near = (-cosines).argsort(axis=1).argsort(axis=1) < k
    return cosines * near


def linear_of(file, prefix, name):
    """A torch map under our names; without a bias where it has none."""
    found = {"kernel": file[f"{prefix}.{name}.weight"].T}
    if f"{prefix}.{name}.bias" in file:
        found["bias"] = file[f"{prefix}.{name}.bias"]
    return found
