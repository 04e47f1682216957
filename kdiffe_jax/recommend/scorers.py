"""The two ways in which saved models score: by embeddings, or by weights between items.

Which one is decided here, once, by what the model holds; all else asks the scorer. Scores are
made a block at a time, so nothing of users x items is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.recommend.blocks import Best, best_columns, nearest_by_product, nearest_by_scores
from kdiffe_jax.recommend.candidates import among
from kdiffe_jax.recommend.histories import history_matrix, pairs_of, rows_of
from kdiffe_jax.recommend.stablehlo import serialized_history_scorer, serialized_scorer
from kdiffe_jax.storage.saved_model import SavedModel

_PAIRS_AT_ONCE = 1 << 14


class Shares(NamedTuple):
    """What a score is the sum of; n past items of the user."""

    score: float
    own: float  #: of the user's own row, 0 where there is none
    items: np.ndarray  #: i32[n]
    weights: np.ndarray  #: f32[n]
    contributions: np.ndarray  #: f64[n]
    similarity: np.ndarray | None = None  #: f32[n], S, where the model has it


class Exported(NamedTuple):
    """What another program needs to score."""

    file: str  #: where the tensors are written
    tensors: dict[str, np.ndarray]
    formula: str  #: how to score with them, in words
    stablehlo: bytes | None  #: the formula as a program


class Embeddings:
    """The score is z_u . z_v (eq. 7); likeness is the cosine of rows.

    Users and items are known by their rows; equal scores are listed by row.

    Attributes:
      explains: whether `shares` has any to give.
    """

    def __init__(self, model: SavedModel):
        self._model = model
        self.explains = "messages" in model.artifacts

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


class ItemWeights:
    """The score is (R_u W)_j scale_j over past items, on the host.

    Items are alike by the weight from one to the other, users by the cosine of their histories.
    It answers what `Embeddings` answers.

    Args:
      weights: f32[J, J], W, dense or sparse.
    """

    explains = True

    def __init__(self, model: SavedModel, weights: np.ndarray | sparse.csr_array):
        self._weights, self._train = weights, model.train
        self._n_users, self._n_items = len(model.user_ids), len(model.item_ids)
        ones = np.ones(self._n_items, np.float32)
        self._scale = model.artifacts.get("item_scale", ones)

    def best(self, users, excluded, allowed, k):
        scores = self._scores(history_matrix(users, self._train, self._n_items))
        scores[excluded[:, 0], excluded[:, 1]] = -np.inf
        if allowed is not None:
            scores[:, np.setdiff1d(np.arange(self._n_items), allowed)] = -np.inf
        return best_columns(scores, k)

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
        if not sparse.issparse(self._weights):
            formula = "scores = (histories @ weights) * scale, histories 1 where a user has an item"
            tensors["weights"] = self._weights
            return Exported(file, tensors, formula, serialized_history_scorer())
        tensors |= {part: getattr(self._weights, part) for part in ("data", "indices", "indptr")}
        formula = (
            "row i of the weights has data[indptr[i]:indptr[i + 1]] in the columns "
            "indices[indptr[i]:indptr[i + 1]]; a user's score for item j is the sum of column j "
            "over the rows of the user's items, times scale[j]"
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


Scorer = Embeddings | ItemWeights


def scorer_of(model: SavedModel) -> Scorer:
    """How a model scores: by its embeddings, unless it holds weights between items."""
    weights = _item_weights(model.artifacts, len(model.item_ids))
    return Embeddings(model) if weights is None else ItemWeights(model, weights)


def _item_weights(
    artifacts: Mapping[str, np.ndarray], n_items: int
) -> np.ndarray | sparse.csr_array | None:
    if "item_weights" in artifacts:
        return artifacts["item_weights"]
    if "item_weights.data" not in artifacts:
        return None
    parts = tuple(artifacts[f"item_weights.{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_array(parts, shape=(n_items, n_items))


def _dense(array) -> np.ndarray:
    return array.toarray() if sparse.issparse(array) else array
