"""What validation chose of the shared options, on all data sets alike (docs/research.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

#: options of the ranking loss, for models that have none
OF_RANKING_LOSS = frozenset({"ranking_loss", "softmax_negatives", "softmax_temperature"})
_BEST: Mapping[str, Any] = {
    "dim": 128,
    "ranking_loss": "softmax",
    "score": "root_length",
    "softmax_temperature": 0.4,
    "neighbour_weight": 1.0,
    "neighbour_relations": "each",
    "neighbour_kinds": "evidence",
    "cold_items": "neighbours",
    "patience": 6,
    "pass_steps": 200,
}


def best_shared(without: Collection[str] = ()) -> dict[str, Any]:
    """The shared part of a model's preset "best".

    Args:
      without: options that the model does not have.
    """
    return {name: value for name, value in _BEST.items() if name not in without}
