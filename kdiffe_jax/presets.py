"""Named starting points: overrides of `Config` fields that any given flag wins over."""

from __future__ import annotations

from types import MappingProxyType

# Section VI-A3; the defaults of `Config` say the same.
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
# What validation chose on more than one data set; docs/research.md has the log.
BEST = {
    "ranking_loss": "softmax",
    "softmax_temperature": 1.0,
    "neighbour_weight": 1.0,
    "neighbour_kinds": "lift",
    "patience": 6,
}
PRESETS = MappingProxyType({"paper": PAPER, "best": BEST})
