"""What a row denoiser needs, before anything of it is made."""

from __future__ import annotations

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.row_denoiser import RowDenoiser
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE

_FLOAT = 4
_ROWS_IN_STEP = 4  # arrays as large as a step's rows that XLA holds at once, at most


def row_denoiser_memory_gb(
    denoiser: RowDenoiser, *, n_rows: int, rows_of_step: int, count: int = 1
) -> float:
    """The most that training holds for it at once, in GB of 10^9 bytes.

    Weights and Adam's two moments all the time; beside them either the gradient and a step's rows,
    or what the reverse process carries of all rows and a block of them.

    Args:
      denoiser: its columns and width.
      n_rows: of all nodes that have a row.
      rows_of_step: that a step denoises.
      count: of denoisers alike, one a modality.
    """
    width, n_columns = denoiser.options.denoiser_width, denoiser.n_columns
    weights = 2 * n_columns * width
    in_step = count * (weights + _ROWS_IN_STEP * n_columns * rows_of_step)
    carried = (2 if denoiser.of_unit_rows else 1) * n_rows * width
    blocks = 2 if len(denoiser.columns) > 1 else 1  # the parts of a row, and the row
    in_reverse = count * (carried + blocks * n_columns * min(n_rows, ROWS_AT_ONCE))
    return (3 * count * weights + max(in_step, in_reverse)) * _FLOAT / 1e9


def check_row_denoiser_memory(
    limits: Limits, denoiser: RowDenoiser, *, n_rows: int, steps: int, count: int = 1
) -> None:
    """Refuses rows that the denoiser has no memory for.

    Args:
      limits: what training may use.
      denoiser, n_rows, count: as above.
      steps: of a pass.

    Raises:
      ConfigError: says what it needs, and what would need less.
    """
    rows = max(-(-n_rows // steps), denoiser.options.denoiser_rows)
    needed = row_denoiser_memory_gb(denoiser, n_rows=n_rows, rows_of_step=rows, count=count)
    if needed > limits.model_memory_gb:
        raise ConfigError(
            f"denoising rows of {denoiser.n_columns:,} columns needs {needed:,.1f} GB, the limit "
            f"is {limits.model_memory_gb:g} (--model_memory_gb); lower --denoiser_width, or "
            "prepare the data with fewer items or entities"
        )
