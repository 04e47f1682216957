"""The first items of many users on the host: no program to compile for one page."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.saved_model import SavedModel

_SCORES_AT_ONCE = 1 << 23


def first_items(model: SavedModel, users: np.ndarray, k: int) -> np.ndarray:
    """The k best items of some users without their training items, as the test score ranks.

    Args:
      model: a run's.
      users: int[n], rows.
      k: length of the lists, cut to the number of items.

    Returns:
      i32[n, k], equal scores by item; -1 where a list has fewer.
    """
    k = min(k, len(model.items))
    size = max(1, _SCORES_AT_ONCE // len(model.items))
    blocks = [users[start : start + size] for start in range(0, len(users), size)]
    return np.concatenate([np.zeros((0, k), np.int32), *(_block(model, b, k) for b in blocks)])


def items_of(pairs: np.ndarray, user: int) -> np.ndarray:
    """i32[n]: the items of a user in sorted (user, item) pairs."""
    return pairs[slice(*np.searchsorted(pairs[:, 0], [user, user + 1])), 1]


def _block(model: SavedModel, users: np.ndarray, k: int) -> np.ndarray:
    scores = model.users[users] @ model.items.T
    starts, ends = (np.searchsorted(model.train[:, 0], users, side) for side in ("left", "right"))
    for row, start, end in zip(scores, starts.tolist(), ends.tolist(), strict=True):
        row[model.train[start:end, 1]] = -np.inf
    top = _top(scores, k)
    return np.where(np.isfinite(_taken(scores, top)), top, -1).astype(np.int32)


def _top(scores: np.ndarray, k: int) -> np.ndarray:
    """int[n, k]: the places of the largest of each row, equal ones in their order."""
    places = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    least = _taken(scores, places).min(axis=1, keepdims=True)
    for row in np.flatnonzero((scores >= least).sum(axis=1) > k).tolist():
        places[row] = np.sort(np.argsort(-scores[row], kind="stable")[:k])
    order = np.argsort(-_taken(scores, places), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _taken(scores: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.take_along_axis(scores, places, axis=1)
