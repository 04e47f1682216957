"""What result.json holds of any model, trained or fitted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from kdiffe_jax.baselines.beside import Baselines, beside
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import shown_name
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.top_k_lists import TopKLists

PerUser = dict[str, np.ndarray]
_NONE: Mapping[str, str] = MappingProxyType({})
_OF_SPLITS = ("valid", "test", "cold", "beyond_accuracy")


def best_scores(lists: TopKLists, data: EvalData) -> tuple[dict[str, Any], PerUser]:
    """What a model scores on both splits, and each test user's metrics.

    Args:
      lists: of the model.
      data: the splits.

    Returns:
      "valid" and "test" with mean metrics, "cold", "beyond_accuracy"; metric name -> f64[n].
    """
    valid, test = (
        score_split(lists, task, data.popularity(), n_users=data.n_users)
        for task in (data.valid, data.test)
    )
    found = {
        "valid": valid.means(),
        "test": test.means(),
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
    }
    return found, test.per_user


def assembled(
    config: Config,
    dataset: Dataset,
    data: EvalData,
    *,
    training: dict[str, Any],
    found: dict[str, Any],
    per_user: PerUser,
    baselines: Baselines | None,
    stand_ins: Mapping[str, str] = _NONE,
) -> dict[str, Any]:
    """result.json of any model: how it was made and what it scores, beside the baselines.

    Args:
      config, dataset, data: of the run.
      training: best epoch, epochs, seconds, and what else was chosen.
      found: of `best_scores`, and what else the model says of itself.
      per_user: metric -> f64[n], each test user's.
      baselines: from `score_baselines`; None scores the most popular items alone.
      stand_ins: what each modality is, where the data have no features.
    """
    return (
        head(config, dataset, stand_ins)
        | training
        | {name: found[name] for name in ("valid", "test")}
        | {
            "users_scored": {
                "valid": len(data.valid.users),
                "test": len(data.test.users),
                "of": dataset.n_users,
            }
        }
        | {name: found[name] for name in ("cold", "beyond_accuracy")}
        | {"baselines": beside(baselines, per_user, data)}
        | {"notes": list(dataset.notes)}
        | {name: found[name] for name in found if name not in _OF_SPLITS}
    )


def validated(
    config: Config,
    dataset: Dataset,
    data: EvalData,
    *,
    training: dict[str, Any],
    valid: Mapping[str, float],
    said: Mapping[str, Any] = _NONE,
    stand_ins: Mapping[str, str] = _NONE,
) -> dict[str, Any]:
    """result.json of a run that leaves the test split alone, baselines included.

    Args:
      config, dataset, data, training, stand_ins: as for `assembled`.
      valid: the mean metrics on validation.
      said: what the model says of itself.
    """
    return (
        head(config, dataset, stand_ins)
        | training
        | {"valid": dict(valid)}
        | {"users_scored": {"valid": len(data.valid.users), "of": dataset.n_users}}
        | {"baselines": {}, "notes": list(dataset.notes)}
        | dict(said)
    )


def head(config: Config, dataset: Dataset, stand_ins: Mapping[str, str] = _NONE) -> dict[str, Any]:
    """What result.json begins with."""
    return {
        "model": config.model,
        "shown_as": shown_name(config.model, stand_ins),
        "dataset": dataset.name,
        "selection": config.eval.selection,
        "selection_metric": config.eval.selection_metric,
    }
