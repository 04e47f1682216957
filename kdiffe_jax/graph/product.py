"""A sparse matrix times a dense one, on every platform and for many members at once.

XLA's CPU backend has a fast kernel for CSR products; elsewhere the entries are summed by
sorted segments; on CUDA, jax's own option `jax_bcoo_cusparse_lowering` takes cuSPARSE's CSR
product instead. Under `jax.vmap` a product with one matrix stays one product, of a wider
dense side.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.experimental.sparse import BCSR


@jax.custom_batching.custom_vmap
def product(
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


@product.def_vmap
def _product_of_members(n_members: int, batched: list[bool], *arguments):
    """Of one matrix, all members' dense sides side by side; of several, one after another."""
    *matrix, dense = arguments
    if not any(batched[:-1]):
        side_by_side = jnp.moveaxis(dense, 0, 1).reshape(dense.shape[1], -1)
        products = product(*matrix, side_by_side)
        return jnp.moveaxis(products.reshape(-1, n_members, dense.shape[2]), 1, 0), True

    def of_member(i):
        return product(*(a[i] if own else a for a, own in zip(arguments, batched, strict=True)))

    return jax.lax.map(of_member, jnp.arange(n_members)), True


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
