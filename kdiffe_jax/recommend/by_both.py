"""Scores by embeddings to which weights between items add theirs."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from kdiffe_jax.recommend.blocks import Best
from kdiffe_jax.recommend.by_embeddings import Embeddings
from kdiffe_jax.recommend.by_item_weights import ItemWeights, best_among
from kdiffe_jax.recommend.histories import HISTORIES, history_tensors
from kdiffe_jax.recommend.shares import Exported, Shares
from kdiffe_jax.storage.saved_model import SavedModel


class Both(Embeddings):
    """The score is z_u . z_v + sum over past items i of W_iv; likeness is that of the embeddings.

    Args:
      weights: f32[J, J], W as CSR.
    """

    def __init__(self, model: SavedModel, weights: sparse.csr_array):
        super().__init__(model)
        self._weights, self._added = weights, ItemWeights(model, weights)

    def of_users(self, model: SavedModel) -> Self:
        """As `Embeddings.of_users`."""
        other = super().of_users(model)
        other._added = self._added.of_users(model)
        return other

    def best(
        self, users: np.ndarray, excluded: np.ndarray, allowed: np.ndarray | None, k: int
    ) -> Best:
        """As `Embeddings.best`, on the host."""
        return best_among(self._scores(users), excluded, allowed, k)

    def has_scores(self, users: np.ndarray) -> np.ndarray:
        """As `Embeddings.has_scores`."""
        return self._scores(users).any(axis=1)

    def pair_scores(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """f32[n]: the scores of n pairs."""
        return super().pair_scores(users, items) + self._added.pair_scores(users, items)

    def shares(self, user: int, item: int) -> Shares:
        """As `Embeddings.shares`; what a past item adds is the sum of both."""
        trained, added = super().shares(user, item), self._added.shares(user, item)
        return trained._replace(
            score=trained.score + added.score,
            contributions=trained.contributions + added.contributions,
        )

    def exported(self) -> Exported:
        """Embeddings and weights in one file; the sum has no program of its own."""
        tensors = {"users": self._model.users, "items": self._model.items}
        tensors |= {part: getattr(self._weights, part) for part in ("data", "indices", "indptr")}
        tensors |= history_tensors(self._model.train, len(self._model.user_ids))
        formula = (
            f"scores = users @ items.T + histories @ weights; {HISTORIES}; "
            "row i of the weights has data[indptr[i]:indptr[i + 1]] in the columns "
            "indices[indptr[i]:indptr[i + 1]]"
        )
        file = "embeddings_and_item_weights.safetensors"
        return Exported(file, tensors, formula, None)

    def _scores(self, users: np.ndarray) -> np.ndarray:
        return self._model.users[users] @ self._model.items.T + self._added.scores(users)
