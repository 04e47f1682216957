"""What the denoiser needs for the columns of its row, before anything of it is made."""

from __future__ import annotations

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE

_FLOAT = 4
# Arrays as large as a block of rows that XLA holds at once, at most: in a step, in the rebuild.
_ROWS_IN_STEP, _ROWS_IN_REBUILD = 3, 2


def denoiser_memory_gb(*, width: int, n_items: int, n_columns: int, rows: int) -> float:
    """The most that training holds for the denoiser at once, on one device, in GB of 10^9 bytes.

    Weights of 2 C x width floats and Adam's two moments all the time; beside them either the
    gradient and a step's rows, or the rows of a block of the rebuild.

    Args:
      width: of the hidden layer.
      n_items: J.
      n_columns: C, of the denoiser's row; E where each entity has a column of its own.
      rows: that a step denoises.

    >>> round(denoiser_memory_gb(width=512, n_items=50_000, n_columns=100_000, rows=50), 1)
    2.0
    """
    weights = 2 * n_columns * width
    in_step = weights + _ROWS_IN_STEP * n_columns * rows
    in_rebuild = _ROWS_IN_REBUILD * n_columns * min(n_items, ROWS_AT_ONCE)
    return (3 * weights + max(in_step, in_rebuild)) * _FLOAT / 1e9


def check_denoiser_memory(
    limits: Limits, *, width: int, n_items: int, n_columns: int, rows: int
) -> None:
    """Refuses a vocabulary that the denoiser has no memory for.

    Raises:
      ConfigError: says what it needs, and what would need less.
    """
    needed = denoiser_memory_gb(width=width, n_items=n_items, n_columns=n_columns, rows=rows)
    if needed > limits.model_memory_gb:
        raise ConfigError(
            f"the denoiser of {n_columns:,} columns needs {needed:,.1f} GB, the limit is "
            f"{limits.model_memory_gb:g} (--model_memory_gb); let entities share columns "
            "with --denoiser_columns=4096 or the like, prepare the data with fewer entities, or "
            "lower --denoiser_width"
        )
