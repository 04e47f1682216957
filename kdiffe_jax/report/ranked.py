"""The first items of many users on the host: no program to compile for one page."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.recommend.blocks import best_columns
from kdiffe_jax.recommend.by_embeddings import Embeddings
from kdiffe_jax.recommend.histories import pairs_of
from kdiffe_jax.recommend.scorers import scorer_of
from kdiffe_jax.storage.saved_model import SavedModel

_SCORES_AT_ONCE = 1 << 23


def first_items(model: SavedModel, users: np.ndarray, k: int) -> np.ndarray:
    """The k best items of some users without their training items, as validation ranks.

    Args:
      users: int[n], rows.
      k: length of the lists, cut to the number of items.

    Returns:
      i32[n, k], equal scores by item; -1 where a list has fewer.
    """
    n_items = len(model.item_ids)
    k = min(k, n_items)
    size = max(1, _SCORES_AT_ONCE // n_items)
    blocks = [users[start : start + size] for start in range(0, len(users), size)]
    return np.concatenate([np.zeros((0, k), np.int32), *(_block(model, b, k) for b in blocks)])


def _block(model: SavedModel, users: np.ndarray, k: int) -> np.ndarray:
    seen = pairs_of(users, model.train)
    scorer = scorer_of(model)
    if type(scorer) is not Embeddings:
        return scorer.best(users, seen, None, k).rows
    scores = model.users[users] @ model.items.T
    scores[seen[:, 0], seen[:, 1]] = -np.inf
    return best_columns(scores, k).rows
