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
    values, indices = jax.device_get((matrix.data, matrix.indices))
    return operator_from_entries(values, *indices.T, shape=matrix.shape)


def operator_from_entries(values, rows, columns, *, shape: tuple[int, int]) -> SparseOperator:
    """An operator from entries sorted by (row, column).

    Values of NumPy are laid out by the host, which compiles nothing; others may be traced.
    """
    lay_out = _by_host if isinstance(values, np.ndarray) else _traced
    return lay_out(values, rows, columns, shape=shape)


def _by_host(values, rows, columns, *, shape: tuple[int, int]) -> SparseOperator:
    rows, columns = np.asarray(rows, np.int32), np.asarray(columns, np.int32)
    row_starts, column_starts = (
        np.append(0, np.cumsum(np.bincount(ids, minlength=size)))
        for ids, size in zip((rows, columns), shape, strict=True)
    )
    order = np.argsort(columns, kind="stable")
    structure = row_starts, columns, rows, column_starts, order
    return SparseOperator(
        jnp.asarray(values), *(jnp.asarray(part, jnp.int32) for part in structure)
    )


@partial(jax.jit, static_argnames="shape")
def _traced(values, rows, columns, *, shape: tuple[int, int]) -> SparseOperator:
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
    return operator_from_entries(entries.data, entries.row, entries.col, shape=entries.shape)


def laplacian_blocks(matrix: BCOO, *, n_users: int) -> Laplacian:
    """The blocks of eq. 4 that `propagate` multiplies by.

    Args:
      matrix: symmetric f32[I + J, I + J], indices sorted, nothing within users or within items.
      n_users: I.
    """
    values, indices = jax.device_get((matrix.data, matrix.indices))
    n_items = matrix.shape[0] - n_users
    n_upper = np.searchsorted(indices[:, 0], n_users)
    (users, items), (item_nodes, of_users) = indices[:n_upper].T, indices[n_upper:].T
    return Laplacian(
        operator_from_entries(values[:n_upper], users, items - n_users, shape=(n_users, n_items)),
        operator_from_entries(
            values[n_upper:], item_nodes - n_users, of_users, shape=(n_items, n_users)
        ),
    )


def _starts(ids: jax.Array, size: int) -> jax.Array:
    counts = jnp.zeros(size + 1, jnp.int32).at[ids + 1].add(1)
    return jnp.cumsum(counts, dtype=jnp.int32)
