"""A sparse matrix times a dense one, on every platform, with its gradients.

XLA's CPU backend has a fast kernel for CSR products; elsewhere the entries are summed by
sorted segments; on CUDA, jax's own option `jax_bcoo_cusparse_lowering` takes cuSPARSE's CSR
product instead. JAX differentiates such a product by gather and scatter-add. `multiply` and
`spmm` keep the kernel in both directions: the gradient with respect to the dense side is a
product with the transpose, which is stored beside the matrix.
"""

from __future__ import annotations

from functools import partial, singledispatch

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCSR

from kdiffe_jax.ops.row_ops import row_dots
from kdiffe_jax.ops.sparse_types import SparseOperator, SparsePair

_ENTRIES_AT_ONCE = 1024  # which stay in the processor's cache
# Where each block costs the start of several kernels; bounds the memory of their products.
_ENTRIES_AT_ONCE_ON_ACCELERATORS = 2**20


def csr_times_dense(
    values: jax.Array,
    row_starts: jax.Array,
    columns: jax.Array,
    rows: jax.Array,
    dense: jax.Array,
) -> jax.Array:
    """A sparse matrix times a dense one, without a gradient of its own.

    Args:
      values: f32[nnz], by row.
      row_starts: i32[rows + 1].
      columns, rows: i32[nnz], of each entry.
      dense: f32[columns, d].

    Returns:
      f32[rows, d].
    """
    platforms = ("cpu", "cuda") if jax.config.jax_bcoo_cusparse_lowering else ("cpu",)
    forms = dict.fromkeys(platforms, _csr_product)
    return jax.lax.platform_dependent(
        values, row_starts, columns, rows, dense, default=_segment_product, **forms
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


@singledispatch
def multiply(operator: SparseOperator | SparsePair, dense: jax.Array) -> jax.Array:
    """operator @ dense, differentiable in the operator's values and in `dense`.

    Args:
      operator: sparse f32[rows, columns]; of a `SparsePair` the values have no gradient.
      dense: f32[columns, d].

    Returns:
      f32[rows, d].
    """
    return _multiply(operator, dense)


@multiply.register
def _multiply_pair(operator: SparsePair, dense: jax.Array) -> jax.Array:
    return spmm(*operator, dense)


@jax.custom_vjp
def _multiply(operator: SparseOperator, dense: jax.Array) -> jax.Array:
    return csr_times_dense(
        operator.values, operator.row_starts, operator.columns, operator.rows, dense
    )


def _multiply_forward(operator: SparseOperator, dense: jax.Array):
    return _multiply(operator, dense), (operator, dense)


def _multiply_backward(saved, gradient):
    operator, dense = saved
    order = operator.to_transpose
    to_dense = csr_times_dense(
        operator.values[order],
        operator.column_starts,
        operator.rows[order],
        operator.columns[order],
        gradient,
    )
    to_values = _entry_dots(gradient, dense, operator.rows, operator.columns)
    return _integers_without_gradient(operator)._replace(values=to_values), to_dense


_multiply.defvjp(_multiply_forward, _multiply_backward)


def _entry_dots(left, right, rows, columns):
    """f32[nnz]: left[row] . right[column] of every entry.

    The processor makes them in blocks that stay in its cache, accelerators in few large ones.
    """
    on_cpu = partial(_dots_in_blocks, at_once=_ENTRIES_AT_ONCE)
    elsewhere = partial(_dots_in_blocks, at_once=_ENTRIES_AT_ONCE_ON_ACCELERATORS)
    return jax.lax.platform_dependent(left, right, rows, columns, cpu=on_cpu, default=elsewhere)


def _dots_in_blocks(left, right, rows, columns, *, at_once: int):
    n_entries = rows.shape[0]
    if n_entries <= at_once:
        return row_dots(left[rows], right[columns])
    missing = -n_entries % at_once
    ends = tuple(jnp.pad(ids, (0, missing)).reshape(-1, at_once) for ids in (rows, columns))
    dots = jax.lax.map(lambda end: row_dots(left[end[0]], right[end[1]]), ends)
    return dots.ravel()[:n_entries]


def _integers_without_gradient(operator: SparseOperator) -> SparseOperator:
    return SparseOperator(
        operator.values,
        *(np.zeros(leaf.shape, jax.dtypes.float0) for leaf in operator[1:]),
    )


@singledispatch
def spmm(forward: SparseOperator, transpose: SparseOperator, dense: jax.Array) -> jax.Array:
    """forward @ dense; its gradient is the stored transpose: transpose @ gradient.

    Other kinds of matrices register a form of their own.

    Args:
      forward: f32[rows, columns].
      transpose: of it, f32[columns, rows].
      dense: f32[columns, d].

    Returns:
      f32[rows, d], differentiable in `dense` alone.
    """
    return _spmm(jax.lax.stop_gradient(forward), jax.lax.stop_gradient(transpose), dense)


@jax.custom_vjp
def _spmm(forward: SparseOperator, transpose: SparseOperator, dense: jax.Array) -> jax.Array:
    return csr_times_dense(forward.values, forward.row_starts, forward.columns, forward.rows, dense)


def _spmm_forward(forward, transpose, dense):
    return _spmm(forward, transpose, dense), (forward, transpose)


def _spmm_backward(saved, gradient):
    forward, transpose = saved
    to_dense = csr_times_dense(
        transpose.values, transpose.row_starts, transpose.columns, transpose.rows, gradient
    )
    nothing = (o._replace(values=jnp.zeros_like(o.values)) for o in (forward, transpose))
    return *map(_integers_without_gradient, nothing), to_dense


_spmm.defvjp(_spmm_forward, _spmm_backward)
