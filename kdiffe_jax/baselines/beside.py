"""Baselines beside a result: their scores with a paired test in place of each user's."""

from __future__ import annotations

from typing import Any

import numpy as np

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.paired_test import paired_test

Baselines = dict[str, dict[str, Any]]


def beside(baselines: Baselines | None, scores: np.ndarray, data: EvalData) -> Baselines:
    """What result.json says of the baselines.

    Args:
      baselines: from `score_baselines`; None scores the most popular items alone.
      scores: f64[n], each test user's paired metric of the model.
      data: what the baselines are fitted to, where they are not given.
    """
    if baselines is None:
        settings = BaselineSettings(baselines="most_popular")
        baselines = score_baselines(data, settings, cache_dir=None, log=lambda line: None)
    return {name: _tested(found, scores) for name, found in baselines.items()}


def _tested(found: dict[str, Any], model: np.ndarray) -> dict[str, Any]:
    if "left_out" in found:
        return found
    kept = {name: value for name, value in found.items() if name != "per_user"}
    return kept | {"paired": paired_test(model, np.asarray(found["per_user"]))}
