"""What is made of many rows, a block of them at a time."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

ROWS_AT_ONCE = 1024


def map_row_blocks(function: Callable[[jax.Array], object], n_rows: int, block: int):
    """Applies `function` to blocks of row ids in turn and joins the results along axis 0.

    Args:
      function: i32[block] -> pytree of arrays with leading axis `block`.
      n_rows: of all.
      block: rows at once; bounds the memory.
    """
    block = min(block, n_rows)
    n_blocks = -(-n_rows // block)
    rows = jnp.minimum(jnp.arange(n_blocks * block), n_rows - 1).reshape(n_blocks, block)
    results = jax.lax.map(function, rows)
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:n_rows], results)
