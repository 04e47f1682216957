"""Named variants of the model: each a set of overrides of `Config` fields.

`kdiffe_1` to `kdiffe_3` are those of the paper's Table III; `unguided` and `edge_drop` take
the idea of another paper in place of one part; `with_s` and the two graphs add a part to a preset
that lacks it; the last three take the knowledge away.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

VARIANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "kdiffe_1": {"xi": 0.0},
        "kdiffe_2": {"guidance": False},
        "kdiffe_3": {"theta_1": 0.0},
        "unguided": {"guidance": False, "reverse_start": "diffused"},
        "edge_drop": {"contrast": "edge_drop"},
        "with_s": {"xi": 0.7},
        "weighted_graph": {"main_graph": "weighted"},
        "rebuilt_graph": {"main_graph": "rebuilt", "top_q": 4},
        "kg_shuffled": {"data_ablation": "shuffled"},
        "noise_features": {"data_ablation": "noise"},
        "no_kg": {"kg_source": "none"},
    }
)
MEANING = MappingProxyType(
    {
        "kdiffe_1": "no S: LightGCN's Laplacian",
        "kdiffe_2": "no guidance, the reverse process from pure noise",
        "kdiffe_3": "no contrast",
        "unguided": "no guidance, the reverse process from the noised row, as in DiffKG",
        "edge_drop": "the second view drops edges at random, as in SGL",
        "with_s": "S with the paper's weight",
        "weighted_graph": "the main view weighs every triple by its denoised value",
        "rebuilt_graph": "the main view reads the four likeliest triples of every item",
        "kg_shuffled": "tails of the knowledge graph permuted within each relation",
        "noise_features": "codes of noise in place of the features",
        "no_kg": "no knowledge graph",
    }
)
