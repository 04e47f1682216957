"""Sparse x dense products with their gradients, and propagation (eq. 1, 3, 6, 11).

XLA's CPU backend has a fast kernel for CSR products, but JAX differentiates them by
gather and scatter-add. `multiply` keeps the kernel in both directions: the gradient
with respect to the dense side is a product with the transpose, stored beside the
matrix; the gradient with respect to the values is one dot product per entry.
"""

from __future__ import annotations

from functools import partial, singledispatch

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.graph.product import product
from kdiffe_jax.rowwise import row_dots
from kdiffe_jax.types import Laplacian, SparseOperator, TwoWay

_ENTRIES_AT_ONCE = 1024


@singledispatch
def multiply(operator: SparseOperator | TwoWay, dense: jax.Array) -> jax.Array:
    """operator @ dense, differentiable in the operator's values and in `dense`.

    Args:
      operator: sparse f32[rows, columns]; of a `TwoWay` the values have no gradient.
      dense: f32[columns, d].

    Returns:
      f32[rows, d].
    """
    return _multiply(operator, dense)


@multiply.register
def _multiply_two_way(operator: TwoWay, dense: jax.Array) -> jax.Array:
    return across(*operator, dense)


@jax.custom_vjp
def _multiply(operator: SparseOperator, dense: jax.Array) -> jax.Array:
    return product(operator.values, operator.row_starts, operator.columns, operator.rows, dense)


def _multiply_forward(operator: SparseOperator, dense: jax.Array):
    return _multiply(operator, dense), (operator, dense)


def _multiply_backward(saved, gradient):
    operator, dense = saved
    order = operator.to_transpose
    to_dense = product(
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
    """f32[nnz]: left[row] . right[column] of every entry, in blocks that stay in the cache."""
    n_entries = rows.shape[0]
    if n_entries <= _ENTRIES_AT_ONCE:
        return row_dots(left[rows], right[columns])
    missing = -n_entries % _ENTRIES_AT_ONCE
    places = tuple(
        jnp.pad(ids, (0, missing)).reshape(-1, _ENTRIES_AT_ONCE) for ids in (rows, columns)
    )
    dots = jax.lax.map(lambda place: row_dots(left[place[0]], right[place[1]]), places)
    return dots.ravel()[:n_entries]


def _integers_without_gradient(operator: SparseOperator) -> SparseOperator:
    return SparseOperator(
        operator.values,
        *(np.zeros(leaf.shape, jax.dtypes.float0) for leaf in operator[1:]),
    )


@singledispatch
def across(there: SparseOperator, back: SparseOperator, dense: jax.Array) -> jax.Array:
    """there @ dense; its gradient is the stored transpose: back @ gradient.

    Other kinds of matrices register a form of their own.

    Args:
      there: f32[rows, columns].
      back: its transpose, f32[columns, rows].
      dense: f32[columns, d].

    Returns:
      f32[rows, d], differentiable in `dense` alone.
    """
    return _across(jax.lax.stop_gradient(there), jax.lax.stop_gradient(back), dense)


@jax.custom_vjp
def _across(there: SparseOperator, back: SparseOperator, dense: jax.Array) -> jax.Array:
    return product(there.values, there.row_starts, there.columns, there.rows, dense)


def _across_forward(there, back, dense):
    return _across(there, back, dense), (there, back)


def _across_backward(saved, gradient):
    there, back = saved
    to_dense = product(back.values, back.row_starts, back.columns, back.rows, gradient)
    nothing = (o._replace(values=jnp.zeros_like(o.values)) for o in (there, back))
    return *map(_integers_without_gradient, nothing), to_dense


_across.defvjp(_across_forward, _across_backward)


def propagate(
    laplacian: Laplacian, users: jax.Array, items: jax.Array, *, layers: int
) -> tuple[jax.Array, jax.Array]:
    """Sum of Z, L Z, L^2 Z ... L^layers Z (eq. 3, 6; the sum over layers is our reading).

    Args:
      laplacian: L by its blocks (eq. 4).
      users: f32[I, d], layer 0.
      items: f32[J, d], layer 0.
      layers: at least 0.

    Returns:
      f32[I, d] and f32[J, d].
    """
    of_users, of_items = users, items
    for _ in range(layers):
        users, items = next_layer(laplacian, users, items)
        of_users, of_items = of_users + users, of_items + items
    return of_users, of_items


def next_layer(
    laplacian: Laplacian, users: jax.Array, items: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """L Z of one layer's users f32[I, d] and items f32[J, d] (eq. 3)."""
    there, back, loops = laplacian
    to_users, to_items = across(there, back, items), across(back, there, users)
    if loops is not None:
        n_users = users.shape[0]
        to_users = to_users + loops[:n_users, None] * users
        to_items = to_items + loops[n_users:, None] * items
    return to_users, to_items


def propagate_items(
    laplacian: Laplacian, items: jax.Array, *, layers: int
) -> tuple[jax.Array, jax.Array]:
    """`propagate` with zero users, for half the products.

    Without self-loops a layer of item rows reaches users only, and the next one items
    only. Propagation is linear, so a view that differs in its items alone is another view
    plus this of the difference.

    Args:
      laplacian, items, layers: as in `propagate`.
    """
    there, back, loops = laplacian
    shape = jax.eval_shape(partial(across, there, back), items).shape
    of_users = jnp.zeros(shape, items.dtype)
    if loops is not None:
        return propagate(laplacian, of_users, items, layers=layers)
    rows, of_items = items, items
    for layer in range(layers):
        if layer % 2 == 0:
            rows = across(there, back, rows)
            of_users = of_users + rows
        else:
            rows = across(back, there, rows)
            of_items = of_items + rows
    return of_users, of_items
