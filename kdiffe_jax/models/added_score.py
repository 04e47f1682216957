"""A random-walk score added to a trained one, with the weight that validation chooses.

A user's score for an item becomes z_u . z_v + sum over past items i of W_iv, where W are the
weights of RP3beta times one factor. Embeddings know what users have in common, walks which two
items go together; where validation sees no gain the factor is 0, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.config import EmbeddingConfig
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.top_k_lists import TopKLists, lists_by_embeddings, lists_by_scores
from kdiffe_jax.models.arrays import View
from kdiffe_jax.models.closed_form.interactions import interaction_matrix
from kdiffe_jax.models.fitting import fit_closed_form
from kdiffe_jax.models.registry import make_config

#: tried in this order, until one is worse than the one before; in spreads of the trained score
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
_USERS_LOOKED_AT = 1000
_PARTS = ("data", "indices", "indptr")


class Added(NamedTuple):
    """What one trained view has beside it."""

    weight: float  #: of the walks' spread in the trained score's, one of `WEIGHTS`
    weights: sparse.csr_array  #: f32[J, J], what is added for each past item
    selection_score: float  #: with it
    without: float  #: the trained score's alone

    def said(self) -> dict[str, Any]:
        """What result.json says of it."""
        return {"weight": self.weight, "selection_score_without": self.without}

    def artifacts(self) -> dict[str, np.ndarray]:
        """As `storage.saved_model` keeps it; nothing where nothing is added."""
        if not self.weight:
            return {}
        return {f"item_weights.{part}": getattr(self.weights, part) for part in _PARTS}


def added_scores(
    embedding: EmbeddingConfig, views: Sequence[View], data: EvalData
) -> list[Added | None]:
    """What each view has beside it; None where nothing is to be added."""
    if embedding.added_score == "none":
        return [None] * len(views)
    walks = fit_walks(data)
    return [choose_added(view, walks, data) for view in views]


def lists_with(added: Added | None, view: View, data: EvalData) -> TopKLists:
    """Lists by a view and what is added to it."""
    if added is None or not added.weight:
        return lists_by_embeddings(view.users, view.items, block=data.eval.eval_block)
    return lists_by_both(view, added.weights, data)


def fit_walks(data: EvalData) -> sparse.csr_array:
    """f32[J, J]: RP3beta over the training interactions, tuned on validation by itself."""
    _, fitted = fit_closed_form(make_config({"model": "rp3beta"}), data)
    parts = (fitted.saved[f"item_weights.{part}"] for part in _PARTS)
    return sparse.csr_array(tuple(parts), shape=(data.n_items, data.n_items))


def choose_added(view: View, walks: sparse.csr_array, data: EvalData) -> Added:
    """The weight with the best selection score, the smallest of equals.

    Args:
      view: trained, as it ranks.
      walks: f32[J, J], of `fit_walks`.
      data: interactions, and how to choose.
    """
    unit = walks * _ratio_of_spreads(view, walks, data)
    found: list[Added] = []
    for weight in WEIGHTS:
        added = Added(weight, sparse.csr_array(np.float32(weight) * unit), np.nan, np.nan)
        score = data.selection_score(lists_with(added, view, data))
        if found and score < found[-1].selection_score:
            break
        found.append(added._replace(selection_score=score))
    best = max(found, key=lambda added: added.selection_score)
    return best._replace(without=found[0].selection_score)


def lists_by_both(view: View, weights: sparse.csr_array, data: EvalData) -> TopKLists:
    """Lists by the sum of both scores.

    Args:
      view: users f32[I, d] and items f32[J, d].
      weights: f32[J, J], what is added for each past item.
      data: the interactions.
    """
    users, items = (np.asarray(table, np.float32) for table in view)
    histories = _histories(data)

    def scores(rows: np.ndarray) -> np.ndarray:
        return users[rows] @ items.T + (histories[rows] @ weights).toarray()

    return lists_by_scores(scores, n_items=data.n_items)


def _ratio_of_spreads(view: View, weights: sparse.csr_array, data: EvalData) -> np.float32:
    """How much wider the trained scores of a user are than the walks', the mean over users."""
    walked = _histories(data)[_looked_at(data)] @ weights
    mean = walked.sum(axis=1) / data.n_items
    of_walks = np.sqrt(np.maximum(walked.power(2).sum(axis=1) / data.n_items - mean**2, 0.0))
    return np.float32(spread_of(view, data) / max(of_walks.mean(), 1e-12))


def spread_of(view: View, data: EvalData) -> float:
    """The standard deviation of a user's scores over items, the mean over some users."""
    users, items = (np.asarray(table, np.float32) for table in view)
    own, centred = users[_looked_at(data)], items - items.mean(axis=0)
    squares = np.einsum("ud,de,ue->u", own, centred.T @ centred, own) / data.n_items
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())  # rounding may leave less than 0


def _looked_at(data: EvalData) -> np.ndarray:
    trained = np.unique(data.train[:, 0])
    return trained[np.linspace(0, len(trained) - 1, _USERS_LOOKED_AT).astype(int)]


def _histories(data: EvalData) -> sparse.csr_array:
    return interaction_matrix(data.train, data.n_users, data.n_items).astype(np.float32)
