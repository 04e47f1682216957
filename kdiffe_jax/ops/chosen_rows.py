"""Some rows of a sparse matrix as a dense block."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import SparseOperator


def chosen_rows(matrix: SparseOperator, chosen: jax.Array, real: jax.Array) -> jax.Array:
    """The chosen rows, scattered from the entries; no other row is made.

    Args:
      matrix: f32[rows, columns].
      chosen: i32[n]; a row may be chosen twice.
      real: bool[n]; the others become rows of zeros.

    Returns:
      f32[n, columns].

    >>> from kdiffe_jax.ops.sparse import operator_from_entries
    >>> matrix = operator_from_entries(jnp.array([5.0, 7.0]), [0, 2], [1, 0], shape=(3, 2))
    >>> chosen_rows(matrix, jnp.array([2, 0, 2]), jnp.array([True, False, True])).tolist()
    [[7.0, 0.0], [0.0, 0.0], [7.0, 0.0]]
    """
    n, n_rows, n_columns = len(chosen), len(matrix.row_starts) - 1, len(matrix.column_starts) - 1
    place = jnp.full(n_rows, n).at[jnp.where(real, chosen, n_rows)].min(jnp.arange(n), mode="drop")
    block = jnp.zeros((n, n_columns), matrix.values.dtype)
    block = block.at[place[matrix.rows], matrix.columns].set(matrix.values, mode="drop")
    return jnp.where(real[:, None], block[jnp.minimum(place[chosen], n - 1)], 0.0)
