"""What the denoiser needs for a vocabulary of entities, before anything of it is made."""

from __future__ import annotations

import dataclasses

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import Checked, option
from kdiffe_jax.training.epoch import REBUILD_BLOCK

_FLOAT = 4
# Arrays as large as a block of rows that XLA holds at once, at most: in a step, in the rebuild.
_ROWS_IN_STEP, _ROWS_IN_REBUILD = 7, 4


@dataclasses.dataclass(frozen=True)
class Limits(Checked):
    """What a training may use; no part of a run's configuration."""

    denoiser_memory_gb: float = option(
        16.0, "training is refused where the denoiser needs more than this many GB", above=0.0
    )


def denoiser_memory_gb(config: Config, *, n_items: int, n_entities: int, steps: int) -> float:
    """The most that training holds for the denoiser at once, on one device, in GB of 10^9 bytes.

    Weights of 2 E x width floats and Adam's two moments all the time; beside them either the
    gradient and a step's rows [C, E], or the rows of a block of the rebuild.

    Args:
      config: width of the denoiser, and how many seeds are trained at once.
      n_items, n_entities: sizes J and E.
      steps: of a pass over all interactions; a step's rows are the items divided by them.

    >>> round(denoiser_memory_gb(Config(), n_items=50_000, n_entities=100_000, steps=1000), 1)
    2.9
    """
    weights = 2 * n_entities * config.diffusion.denoiser_width
    in_step = weights + _ROWS_IN_STEP * n_entities * -(-n_items // steps)
    in_rebuild = _ROWS_IN_REBUILD * n_entities * min(n_items, REBUILD_BLOCK)
    floats = 3 * weights + max(in_step, in_rebuild)
    return config.train.num_seeds * floats * _FLOAT / 1e9


def check_denoiser_memory(
    config: Config, limits: Limits, *, n_items: int, n_entities: int, steps: int
) -> None:
    """Refuses a vocabulary that the denoiser has no memory for.

    Raises:
      ConfigError: says what it needs, and what would need less.
    """
    sizes = dict(n_items=n_items, n_entities=n_entities, steps=steps)
    needed = denoiser_memory_gb(config, **sizes)
    if needed > limits.denoiser_memory_gb:
        raise ConfigError(
            f"the denoiser of {n_entities:,} entities needs {needed:,.1f} GB, the limit is "
            f"{limits.denoiser_memory_gb:g} (--denoiser_memory_gb); prepare the data with fewer "
            "entities, or lower --denoiser_width"
        )
