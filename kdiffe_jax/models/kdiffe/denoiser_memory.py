"""What the denoiser needs for the columns of its row, before anything of it is made."""

from __future__ import annotations

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE

_FLOAT = 4
# Arrays as large as a block of rows that XLA holds at once, at most: in a step, in the rebuild, in
# a step of a denoiser alone.
_ROWS_IN_STEP, _ROWS_IN_REBUILD, _ROWS_ALONE = 3, 2, 4


def denoiser_memory_gb(*, width: int, n_items: int, n_columns: int, rows: int) -> float:
    """The most that epochs hold for the denoiser at once, on one device, in GB of 10^9 bytes.

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


def alone_memory_gb(*, width: int, n_columns: int, rows: int, beside: int) -> float:
    """The most that is held while a denoiser trains alone, likewise.

    Args:
      width, n_columns, rows: as above.
      beside: tables as large as the weights that are held meanwhile. Of a head start 3, the state
        that it makes; of a fresh denoiser at the end of a run 2, the trained one and itself.
    """
    weights = 2 * n_columns * width
    in_steps = max(4 * weights, 2 * weights + _ROWS_ALONE * n_columns * rows)
    return (beside * weights + in_steps) * _FLOAT / 1e9


def check_denoiser_memory(
    limits: Limits,
    *,
    width: int,
    n_items: int,
    n_columns: int,
    rows: int,
    rows_alone: int,
    beside: int,
) -> None:
    """Refuses a vocabulary that the denoiser has no memory for.

    Args:
      limits: what training may use.
      width, n_items, n_columns, rows: of `denoiser_memory_gb`.
      rows_alone, beside: `rows` and `beside` of `alone_memory_gb`; 0 beside: none trains alone.

    Raises:
      ConfigError: says what it needs, and what would need less.
    """
    sizes = {"width": width, "n_columns": n_columns}
    needed = denoiser_memory_gb(**sizes, n_items=n_items, rows=rows)
    if beside:
        needed = max(needed, alone_memory_gb(**sizes, rows=rows_alone, beside=beside))
    if needed > limits.model_memory_gb:
        raise ConfigError(
            f"the denoiser of {n_columns:,} columns needs {needed:,.1f} GB, the limit is "
            f"{limits.model_memory_gb:g} (--model_memory_gb); let entities share columns "
            "with --denoiser_columns=4096 or the like, prepare the data with fewer entities, or "
            "lower --denoiser_width"
        )
