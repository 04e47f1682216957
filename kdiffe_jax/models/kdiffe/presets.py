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
# A denoiser that generalises over items (docs/research/denoiser.md).
DENOISER = {
    "noise_schedule": "cosine",
    "elbo_weights": "equal",
    "guidance_scale": "unit",
    "guidance_dropout": 0.3,
    "denoiser_rate": 5.0,
    "denoiser_decay": 0.1,
    "denoiser_start": "zeros",
    "denoiser_rows": 512,
    "denoiser_width": 64,
}
# What the main view needs of it where most triples are noise (docs/research/denoiser.md).
WEIGHTED = {
    "main_graph": "weighted",
    "weight_power": 4.0,
    "guidance_rank": 20,
    "denoiser_head_start": 400,
}
DENOISED = PAPER | DENOISER | WEIGHTED
# As strong on every data set (docs/research/presets.md#a-norm-as-strong-on-every-data-set).
NORM = {"norm_scale": "per_node", "theta_2": 0.75, "patience": 10}
BEST = best_shared() | DENOISER | NORM | {"xi": 0.0}
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"paper": PAPER, "denoised": DENOISED, "best": BEST}
)
