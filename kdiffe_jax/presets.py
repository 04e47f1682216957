"""Named starting points: overrides of `Config` fields that any given flag wins over."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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
# What validation chose on all data sets alike; docs/research.md has the log.
BEST = {
    "dim": 128,
    "ranking_loss": "softmax",
    "score": "root_length",
    "softmax_temperature": 0.4,
    "neighbour_weight": 1.0,
    "neighbour_relations": "each",
    "neighbour_kinds": "lift",
    "cold_items": "neighbours",
    "patience": 6,
    "xi": 0.0,
}
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType({"paper": PAPER, "best": BEST})
