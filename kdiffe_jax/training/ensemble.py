"""Several seeds as one model, which ranks by the sum of their scores.

Every seed's scores are divided by their spread over items, so that all weigh the same. A sum of
inner products is the inner product of rows side by side, so the ensemble of n models of d columns
is one of n d columns, and all that works on rows works on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.paired_test import paired_test
from kdiffe_jax.models.added_score import Added, lists_with, spread_of
from kdiffe_jax.models.arrays import View
from kdiffe_jax.storage.saved_model import SavedModel
from kdiffe_jax.training.result_file import PerUser, best_scores

_TESTED = ("recall@20", "ndcg@20")
#: artifacts that are parts of a user's row, as `storage.saved_model` has them
_OF_USERS = ("own_users", "messages", "new_user")


class Ensemble(NamedTuple):
    """The models of all seeds together.

    Attributes:
      view: users f32[I, n d] and items f32[J, n d], side by side.
      spreads: what each seed's users were divided by.
      added: to its score.
    """

    view: View
    spreads: list[float]
    added: Added | None = None


def ensemble_of(views: Sequence[View], data: EvalData) -> Ensemble:
    """The ensemble of some views, as they rank; nothing is added to its score yet."""
    spreads = [spread_of(view, data) or 1.0 for view in views]  # 0 where all items score alike
    items = np.concatenate([np.asarray(view.items, np.float32) for view in views], axis=1)
    return Ensemble(View(_joined([view.users for view in views], spreads), items), spreads)


def scored(ensemble: Ensemble, data: EvalData, of_seeds: PerUser) -> dict[str, Any]:
    """What result.json says of it.

    Args:
      data: the splits.
      of_seeds: metric -> f64[n], each test user's mean over the seeds.

    Returns:
      As a single model's: "valid", "test", "cold", "beyond_accuracy"; "above_its_seeds", a paired
      test over users against the mean of the seeds, by metric.
    """
    found, per_user = best_scores(lists_with(ensemble.added, ensemble.view, data), data)
    above = {name: paired_test(per_user[name], of_seeds[name]) for name in _TESTED}
    said = {} if ensemble.added is None else {"added_score": ensemble.added.said()}
    return {"models": len(ensemble.spreads), **found, **said, "above_its_seeds": above}


def saved(models: Sequence[SavedModel], ensemble: Ensemble) -> SavedModel:
    """The ensemble as a model file has it.

    What all seeds have alike stays. A user's own rows and what items pass on to it lie side by side
    as the users do. What else a seed has of its own, such as attention, no ensemble has.

    Args:
      models: of every seed.
    """
    first = models[0]
    found = {
        name: array
        for name, array in first.artifacts.items()
        if name not in _OF_USERS
        and all(np.array_equal(array, other.artifacts.get(name)) for other in models[1:])
    }
    if "laplacian" in found:
        found |= {
            name: _joined([model.artifacts[name] for model in models], ensemble.spreads)
            for name in _OF_USERS
            if name in first.artifacts
        }
    added = ensemble.added.artifacts() if ensemble.added else {}
    return first._replace(
        about=dict(first.about) | {"ensemble": len(models), "best_epoch": None},
        users=ensemble.view.users,
        items=ensemble.view.items,
        artifacts=found | added,
    )


def _joined(rows: Sequence[Any], spreads: Sequence[float]) -> np.ndarray:
    """Rows of users side by side, each seed's over its spread."""
    parts = [
        np.asarray(own, np.float32) / spread for own, spread in zip(rows, spreads, strict=True)
    ]
    return np.concatenate(parts, axis=-1).astype(np.float32)
