"""The only sparse x dense product of the program (eq. 1, 3, 6, 11).

XLA's CPU backend has a fast kernel for CSR products, but JAX differentiates them by
gather and scatter-add. `multiply` keeps the kernel in both directions: the gradient
with respect to the dense side is a product with the transpose, stored beside the
matrix; the gradient with respect to the values is one dot product per entry. On
other backends the same entries are summed by sorted segments; on CUDA, jax's own option
`jax_bcoo_cusparse_lowering` takes cuSPARSE's CSR product instead.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO, BCSR

from kdiffe_jax.types import SparseOperator

_ENTRIES_AT_ONCE = 8192


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


def _starts(ids: jax.Array, size: int) -> jax.Array:
    counts = jnp.zeros(size + 1, jnp.int32).at[ids + 1].add(1)
    return jnp.cumsum(counts, dtype=jnp.int32)


@jax.custom_vjp
def multiply(operator: SparseOperator, dense: jax.Array) -> jax.Array:
    """operator @ dense, differentiable in the operator's values and in `dense`.

    Args:
      operator: sparse f32[rows, columns].
      dense: f32[columns, d].

    Returns:
      f32[rows, d].
    """
    return _product(operator.values, operator.row_starts, operator.columns, operator.rows, dense)


def _multiply_forward(operator: SparseOperator, dense: jax.Array):
    return multiply(operator, dense), (operator, dense)


def _multiply_backward(saved, gradient):
    operator, dense = saved
    order = operator.to_transpose
    to_dense = _product(
        operator.values[order],
        operator.column_starts,
        operator.rows[order],
        operator.columns[order],
        gradient,
    )
    to_values = _entry_dots(gradient, dense, operator.rows, operator.columns)
    return _zero_cotangents(operator)._replace(values=to_values), to_dense


multiply.defvjp(_multiply_forward, _multiply_backward)


def _entry_dots(left, right, rows, columns):
    """f32[nnz]: left[row] . right[column] of every entry, in blocks that stay in the cache."""
    n_entries = rows.shape[0]
    if n_entries <= _ENTRIES_AT_ONCE:
        return jnp.sum(left[rows] * right[columns], axis=-1)
    missing = -n_entries % _ENTRIES_AT_ONCE
    places = (jnp.pad(ids, (0, missing)).reshape(-1, _ENTRIES_AT_ONCE) for ids in (rows, columns))
    dots = jax.lax.map(lambda place: jnp.sum(left[place[0]] * right[place[1]], -1), tuple(places))
    return dots.ravel()[:n_entries]


def _zero_cotangents(operator: SparseOperator) -> SparseOperator:
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, jax.dtypes.float0), operator)


def _product(values, row_starts, columns, rows, dense):
    with_kernel = ("cpu", "cuda") if jax.config.jax_bcoo_cusparse_lowering else ("cpu",)
    return jax.lax.platform_dependent(
        values,
        row_starts,
        columns,
        rows,
        dense,
        default=_segment_product,
        **dict.fromkeys(with_kernel, _csr_product),
    )


def _csr_product(values, row_starts, columns, rows, dense):
    del rows
    shape = (row_starts.shape[0] - 1, dense.shape[0])
    return BCSR((values, columns, row_starts), shape=shape) @ dense


def _segment_product(values, row_starts, columns, rows, dense):
    return jax.ops.segment_sum(
        values[:, None] * dense[columns],
        rows,
        num_segments=row_starts.shape[0] - 1,
        indices_are_sorted=True,
    )


def propagate(laplacian: SparseOperator, embeddings: jax.Array, *, layers: int) -> jax.Array:
    """Sum of Z, L Z, L^2 Z ... L^layers Z (eq. 3, 6; the sum over layers is our reading).

    Args:
      laplacian: symmetric f32[N, N] (eq. 4).
      embeddings: f32[N, d], layer 0.
      layers: L, at least 0.

    Returns:
      f32[N, d].
    """
    total = embeddings
    for _ in range(layers):
        embeddings = multiply(laplacian, embeddings)
        total = total + embeddings
    return total
