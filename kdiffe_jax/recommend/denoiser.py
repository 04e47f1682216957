"""What may be said of a denoiser's values: nothing where it is no better than chance.

A denoised value estimates the probability that an item with such users has the entity. Whether it
does is measured on hidden triples when training ends; without that, or where the AUC is not above
0.5 by two standard errors, neither values nor what was kept by them are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdiffe_jax.recommend.histories import rows_of
from kdiffe_jax.storage.saved_model import SavedModel

Pair = tuple[int, int]  #: relation, entity


def better_than_chance(found: Mapping[str, Any] | None) -> bool:
    """Whether a denoiser finds hidden triples again.

    Args:
      found: "denoiser" of result.json, or of what a saved model says about itself.

    >>> better_than_chance({"held_out_auc": 0.56, "held_out_error": 0.02})
    True
    >>> better_than_chance({"held_out_auc": 0.56, "held_out_error": 0.04})
    False
    """
    return found is not None and found["held_out_auc"] - 2 * found["held_out_error"] > 0.5


def is_trusted(model: SavedModel) -> bool:
    """Whether explanations say what the model's denoiser did."""
    return "denoised" in model.artifacts and better_than_chance(model.about.get("denoiser"))


def held_out_words(found: Mapping[str, Any]) -> str:
    """How well a denoiser finds hidden triples again.

    >>> held_out_words({"held_out_auc": 0.811, "held_out_error": 0.012})
    'AUC of hidden triples over random ones 0.811 ± 0.012 (0.5 is chance)'
    """
    auc, error = found["held_out_auc"], found["held_out_error"]
    said = f"AUC of hidden triples over random ones {auc:.3f} ± {error:.3f} (0.5 is chance)"
    return said if better_than_chance(found) else f"{said}, so explanations leave it out"


def expected_share(probability: float) -> str:
    """A denoised probability as a share of items.

    >>> expected_share(0.123), expected_share(0.0123), expected_share(0.0)
    ('12 %', '1.2 %', 'under 0.1 %')
    """
    if probability < 0.001:
        return "under 0.1 %"
    return f"{100 * probability:.{0 if probability >= 0.0995 else 1}f} %"


def expected_words(probability: float) -> str:
    """What a denoised probability means.

    >>> expected_words(0.123)
    'expected of 12 % of items with such users'
    """
    return f"expected of {expected_share(probability)} of items with such users"


def probabilities_of(model: SavedModel, item: int) -> dict[Pair, float]:
    """The denoised probability of the item's own triples and of added ones, in [0, 1].

    Items that training never saw have none.

    Args:
      model: of a trusted denoiser.
      item: its row.
    """
    found: dict[Pair, float] = {}
    for triples, name in ((model.artifacts["kept"], "kept_denoised"), (model.triples, "denoised")):
        mine, values = rows_of(triples, item), model.artifacts[name]
        pairs = map(tuple, triples[mine, 1:].tolist())
        found |= dict(zip(pairs, np.clip(values[mine], 0.0, 1.0).tolist(), strict=False))
    return found
