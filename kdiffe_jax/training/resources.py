"""What a run may use; no part of its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.config import Limits
from kdiffe_jax.training.placement import Placement


class Resources(NamedTuple):
    """Where what takes long is kept, limits, baselines, and where arrays lie."""

    cache_dir: Path
    limits: Limits = Limits()
    baselines: BaselineSettings = BaselineSettings()
    placement: Placement | None = None  #: one device if omitted
