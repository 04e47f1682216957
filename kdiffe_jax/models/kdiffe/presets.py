"""Named starting points of KDiffE: overrides of options that any given flag wins over."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kdiffe_jax.models.presets import best_shared

# Section VI-A3; the defaults of the options say the same.
PAPER = {
    "theta_1": 1e-2,
    "theta_2": 1e-5,
    "walks_per_node": 12,
    "walk_length": 50,
    "xi": 0.7,
    "timesteps": 10,
    "temperature": 0.5,
    "top_q": 1,
}
BEST = best_shared() | {"xi": 0.0}
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType({"paper": PAPER, "best": BEST})
