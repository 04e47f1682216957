"""The ways in which saved models score: by embeddings, by weights between items, or by both.

Which one is decided here, once, by what the model holds; all else asks the scorer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from kdiffe_jax.recommend.by_both import Both
from kdiffe_jax.recommend.by_embeddings import Embeddings
from kdiffe_jax.recommend.by_item_weights import ItemWeights
from kdiffe_jax.storage.saved_model import SavedModel

Scorer = Embeddings | ItemWeights


def scorer_of(model: SavedModel) -> Scorer:
    """How a model scores: by its embeddings, by weights between items, or by their sum."""
    weights = _item_weights(model.artifacts, len(model.item_ids))
    if weights is None:
        return Embeddings(model)
    return Both(model, weights) if model.users.shape[1] else ItemWeights(model, weights)


def _item_weights(
    artifacts: Mapping[str, np.ndarray], n_items: int
) -> np.ndarray | sparse.csr_array | None:
    """W, in which items that came after training have no weights."""
    if "item_weights" in artifacts:
        return artifacts["item_weights"]
    if "item_weights.data" not in artifacts:
        return None
    data, indices, starts = (artifacts[f"item_weights.{p}"] for p in ("data", "indices", "indptr"))
    starts = np.pad(starts, (0, n_items + 1 - len(starts)), mode="edge")
    return sparse.csr_array((data, indices, starts), shape=(n_items, n_items))
