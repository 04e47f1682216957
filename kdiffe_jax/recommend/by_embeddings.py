"""Scores by embeddings, a block of users at a time; nothing of users x items is held."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.recommend.blocks import Best, nearest_by_product
from kdiffe_jax.recommend.candidates import among
from kdiffe_jax.recommend.histories import rows_of
from kdiffe_jax.recommend.shares import Exported, Shares
from kdiffe_jax.recommend.stablehlo import serialized_scorer
from kdiffe_jax.storage.saved_model import SavedModel


class Embeddings:
    """The score is z_u . z_v (eq. 7); likeness is the cosine of rows.

    Users and items are known by their rows; equal scores are listed by row.

    Attributes:
      explains: whether `shares` has any to give.
    """

    def __init__(self, model: SavedModel):
        self._model = model
        self.explains = "messages" in model.artifacts

    def of_users(self, model: SavedModel) -> Self:
        """The same items for the users of another model, who are there in place of this one's."""
        other = copy(self)
        other._model = model
        vars(other)["_items"] = self._items
        vars(other).pop("_unit_users", None)
        return other

    def best(
        self, users: np.ndarray, excluded: np.ndarray, allowed: np.ndarray | None, k: int
    ) -> Best:
        """The k best items of at most a block of users.

        Args:
          users: int[b].
          excluded: int[m, 2] of (place in `users`, item) that are not listed, sorted.
          allowed: int[n], the only items that may be listed, ascending; None for all.
          k: at most the number of items.
        """
        return among(allowed, self._model.users[users], self._items, excluded, k)

    def has_scores(self, users: np.ndarray) -> np.ndarray:
        """bool[b]: which of at most a block of users have a score other than 0 for any item."""
        return (self._model.users[users] @ self._model.items.T).any(axis=1)

    def pair_scores(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """f32[n]: the scores of n pairs."""
        return np.einsum("nd,nd->n", self._model.users[users], self._model.items[items])

    def similar_items(self, items: np.ndarray, k: int) -> Best:
        """The k items most like each of some items, never itself."""
        return nearest_by_product(self._unit_items, items, k)

    def similar_users(self, users: np.ndarray, k: int) -> Best:
        """The k users most like each of some users, never themselves."""
        return nearest_by_product(self._unit_users, users, k)

    def shares(self, user: int, item: int) -> Shares:
        """The score of a user for an item as a sum over past items.

        Raises:
          ConfigError: the model's scores are no such sum.
        """
        model, arrays = self._model, self._model.artifacts
        if not self.explains:
            raise ConfigError(f"{model.config['model']} has no reasons to give for a score")
        target = model.items[item].astype(np.float64)
        rows = rows_of(model.train, user)
        items, weights = model.train[rows, 1], arrays["laplacian"][rows]
        return Shares(
            score=float(model.users[user].astype(np.float64) @ target),
            own=float(arrays["own_users"][user].astype(np.float64) @ target),
            items=items,
            weights=weights,
            contributions=weights * (arrays["messages"][items] @ target),
            similarity=arrays["similarity"][rows] if "similarity" in arrays else None,
        )

    def exported(self) -> Exported:
        """Raises DataError where a library is missing."""
        tensors = {"users": self._model.users, "items": self._model.items}
        scorer = serialized_scorer(self._model.items.shape[1])
        return Exported("embeddings.safetensors", tensors, "scores = users @ items.T", scorer)

    @cached_property
    def _items(self) -> jax.Array:
        return jnp.asarray(self._model.items)

    @cached_property
    def _unit_items(self) -> jax.Array:
        return unit_rows(self._items)

    @cached_property
    def _unit_users(self) -> jax.Array:
        return unit_rows(jnp.asarray(self._model.users))
