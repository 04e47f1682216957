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
