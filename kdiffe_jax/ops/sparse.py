"""Sparse matrices in the form that the products take."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO
from scipy import sparse

from kdiffe_jax.ops.sparse_types import Laplacian, SparseOperator, SparsePair


def sparse_operator(matrix: BCOO) -> SparseOperator:
    """Prepares a sorted BCOO matrix for `multiply`.

    Args:
      matrix: 2-d BCOO with sorted, unique indices.

    Raises:
      ValueError: the indices are not sorted.
    """
    if not (matrix.indices_sorted and matrix.ndim == 2):
        raise ValueError("a 2-d BCOO with sorted indices is needed; call .sort_indices()")
    return operator_from_entries(
        matrix.data, matrix.indices[:, 0], matrix.indices[:, 1], shape=matrix.shape
    )


@partial(jax.jit, static_argnames="shape")
def operator_from_entries(values, rows, columns, *, shape: tuple[int, int]) -> SparseOperator:
    """An operator from entries sorted by (row, column); may be traced."""
    rows, columns = jnp.asarray(rows, jnp.int32), jnp.asarray(columns, jnp.int32)
    return SparseOperator(
        values=values,
        row_starts=_starts(rows, shape[0]),
        columns=columns,
        rows=rows,
        column_starts=_starts(columns, shape[1]),
        to_transpose=jnp.argsort(columns, stable=True).astype(jnp.int32),
    )


def sparse_pair(matrix: sparse.csr_array) -> SparsePair:
    """A sparse matrix and its transpose, as `spmm` takes them.

    Args:
      matrix: f32, host side.
    """
    return SparsePair(*map(host_operator, (matrix, matrix.T)))


def host_operator(matrix: sparse.sparray) -> SparseOperator:
    """A sparse f32 matrix of the host, prepared for `multiply`; its entries are copied in order."""
    own = sparse.csr_array(matrix, dtype=np.float32, copy=True)
    own.sort_indices()
    entries = own.tocoo()
    values = jnp.asarray(entries.data)
    return operator_from_entries(values, entries.row, entries.col, shape=entries.shape)


def transposed(operator: SparseOperator) -> SparseOperator:
    """The transpose of an operator, prepared likewise; NumPy of NumPy, and may be traced."""
    order = operator.to_transpose
    return SparseOperator(
        values=operator.values[order],
        row_starts=operator.column_starts,
        columns=operator.rows[order],
        rows=operator.columns[order],
        column_starts=operator.row_starts,
        to_transpose=order.argsort().astype(jnp.int32),
    )


def laplacian_blocks(matrix: BCOO, *, n_users: int) -> Laplacian:
    """The blocks of eq. 4 that `propagate` multiplies by.

    Args:
      matrix: symmetric f32[I + J, I + J], indices sorted, nothing within users or within items.
      n_users: I.
    """
    rows, columns = matrix.indices.T
    size = matrix.shape[0]
    upper = rows < n_users
    to_users = operator_from_entries(
        matrix.data[upper], rows[upper], columns[upper] - n_users, shape=(n_users, size - n_users)
    )
    return Laplacian(to_users, jax.jit(transposed)(to_users))


def _starts(ids: jax.Array, size: int) -> jax.Array:
    counts = jnp.zeros(size + 1, jnp.int32).at[ids + 1].add(1)
    return jnp.cumsum(counts, dtype=jnp.int32)
