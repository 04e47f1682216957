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
    return scan_row_blocks(lambda _, rows: (None, function(rows)), None, n_rows, block)[1]


def scan_row_blocks(function: Callable[..., tuple], carry, n_rows: int, block: int):
    """Likewise, with something that goes from one block to the next.

    Args:
      function: (carry, i32[block]) -> the carry, and a pytree of arrays with leading axis `block`.
        The last block may name the last row more than once.
      carry: before the first block.
      n_rows, block: as in `map_row_blocks`.

    Returns:
      The carry after the last block, and the results joined along axis 0.
    """
    block = min(block, n_rows)
    n_blocks = -(-n_rows // block)
    rows = jnp.minimum(jnp.arange(n_blocks * block), n_rows - 1).reshape(n_blocks, block)
    carry, results = jax.lax.scan(function, carry, rows)
    return carry, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:n_rows], results)
