"""Baselines beside a result: their scores with paired tests in place of each user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import PAIRED_METRICS, score_baselines
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.paired_test import paired_test

Baselines = dict[str, dict[str, Any]]


def beside(
    baselines: Baselines | None, scores: Mapping[str, np.ndarray], data: EvalData
) -> Baselines:
    """What result.json says of the baselines.

    Args:
      baselines: from `score_baselines`; None scores the most popular items alone.
      scores: metric -> f64[n], each test user's of the model; those in `PAIRED_METRICS` are read.
      data: what the baselines are fitted to, where they are not given.

    Returns:
      For each what `score_baselines` gave, with "paired" in place of "per_user": metric ->
      `paired_test` of the model and the baseline; one left out stays as it is.
    """
    if baselines is None:
        settings = BaselineSettings(baselines="most_popular")
        baselines = score_baselines(data, settings, cache_dir=None, log=lambda line: None)
    return {name: _tested(found, scores) for name, found in baselines.items()}


def _tested(found: dict[str, Any], model: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if "left_out" in found:
        return found
    kept = {name: value for name, value in found.items() if name != "per_user"}
    theirs = found["per_user"]
    return kept | {"paired": {m: paired_test(model[m], theirs[m]) for m in PAIRED_METRICS}}
