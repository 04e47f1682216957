"""Scores by weights between items, on the host, a block of users at a time."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from kdiffe_jax.recommend.blocks import Best, best_columns, nearest_by_scores
from kdiffe_jax.recommend.histories import (
    HISTORIES,
    history_matrix,
    history_tensors,
    pairs_of,
    rows_of,
)
from kdiffe_jax.recommend.shares import Exported, Shares
from kdiffe_jax.recommend.stablehlo import serialized_history_scorer
from kdiffe_jax.storage.saved_model import SavedModel

_PAIRS_AT_ONCE = 1 << 14


class ItemWeights:
    """The score is (R_u W)_j scale_j over past items, on the host.

    Items are alike by the weight from one to the other, users by the cosine of their histories.
    It answers what `Embeddings` answers.

    Args:
      weights: f32[J, J], W, dense or sparse.
    """

    explains = True

    def __init__(self, model: SavedModel, weights: np.ndarray | sparse.csr_array):
        self._weights, self._n_items = weights, len(model.item_ids)
        self._train, self._n_users = model.train, len(model.user_ids)
        ones = np.ones(self._n_items, np.float32)
        self._scale = model.artifacts.get("item_scale", ones)

    def of_users(self, model: SavedModel) -> Self:
        """As `Embeddings.of_users`."""
        other = copy(self)
        other._train, other._n_users = model.train, len(model.user_ids)
        vars(other).pop("_unit_histories", None)
        return other

    def best(self, users, excluded, allowed, k):
        return best_among(self.scores(users), excluded, allowed, k)

    def has_scores(self, users):
        return self.scores(users).any(axis=1)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """f32[b, J]: every item's score for at most a block of users."""
        return self._scores(history_matrix(users, self._train, self._n_items))

    def pair_scores(self, users, items):
        starts = range(0, len(users), _PAIRS_AT_ONCE)
        parts = [slice(start, start + _PAIRS_AT_ONCE) for start in starts]
        scores = [self._pair_scores(users[part], items[part]) for part in parts]
        return np.concatenate([np.zeros(0, np.float32), *scores])

    def similar_items(self, items, k):
        def scores(rows: np.ndarray) -> np.ndarray:
            shape = (len(rows), self._n_items)
            ones = np.ones(len(rows), np.float32)
            return self._scores(sparse.csr_array((ones, rows, np.arange(len(rows) + 1)), shape))

        return nearest_by_scores(scores, items, self._n_items, k)

    def similar_users(self, users, k):
        unit = self._unit_histories
        return nearest_by_scores(lambda rows: _dense(unit[rows] @ unit.T), users, self._n_users, k)

    def shares(self, user, item):
        items = self._train[rows_of(self._train, user), 1]
        weights = self._entries(items, np.full(len(items), item)) * self._scale[item]
        contributions = weights.astype(np.float64)
        return Shares(float(contributions.sum()), 0.0, items, weights, contributions)

    def exported(self):
        file, tensors = "item_weights.safetensors", {"scale": self._scale}
        tensors |= history_tensors(self._train, self._n_users)
        if not sparse.issparse(self._weights):
            formula = f"scores = (histories @ weights) * scale; {HISTORIES}"
            tensors["weights"] = self._weights
            return Exported(file, tensors, formula, serialized_history_scorer())
        tensors |= {part: getattr(self._weights, part) for part in ("data", "indices", "indptr")}
        formula = (
            "row i of the weights has data[indptr[i]:indptr[i + 1]] in the columns "
            "indices[indptr[i]:indptr[i + 1]]; a user's score for item j is the sum of column j "
            f"over the rows of the user's items in training, times scale[j]; {HISTORIES}"
        )
        return Exported(file, tensors, formula, None)

    @cached_property
    def _unit_histories(self) -> sparse.csr_array:
        everyone = history_matrix(np.arange(self._n_users), self._train, self._n_items)
        lengths = np.sqrt(np.maximum(np.diff(everyone.indptr), 1)).astype(np.float32)
        everyone.data /= np.repeat(lengths, np.diff(everyone.indptr))
        return everyone

    def _scores(self, histories: sparse.csr_array) -> np.ndarray:
        """f32[b, J]."""
        return _dense(histories @ self._weights).astype(np.float32, copy=False) * self._scale

    def _pair_scores(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        places, past = pairs_of(users, self._train).T
        sums = np.bincount(places, self._entries(past, items[places]), len(users))
        return (sums * self._scale[items]).astype(np.float32)

    def _entries(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """f32[n]: W at n places."""
        return np.ravel(_dense(self._weights[rows, columns]))


def best_among(
    scores: np.ndarray, excluded: np.ndarray, allowed: np.ndarray | None, k: int
) -> Best:
    """The k best items by scores that are there.

    Args:
      scores: f32[b, J]; changed.
      excluded, allowed, k: as for `Embeddings.best`.
    """
    scores[excluded[:, 0], excluded[:, 1]] = -np.inf
    if allowed is not None:
        scores[:, np.setdiff1d(np.arange(scores.shape[1]), allowed)] = -np.inf
    return best_columns(scores, k)


def _dense(array) -> np.ndarray:
    return array.toarray() if sparse.issparse(array) else array
