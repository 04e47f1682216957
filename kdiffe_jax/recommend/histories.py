"""What users have chosen, from (user, item) pairs that are sorted."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.rows import position_in_group

HISTORIES = (
    "histories are 1 where a user has an item in training: of user u the items "
    "history_items[history_starts[u]:history_starts[u + 1]]"
)


def history_tensors(pairs: np.ndarray, n_users: int) -> dict[str, np.ndarray]:
    """The histories of all users as an export has them, see `HISTORIES`; i64[I + 1] and i32[n].

    Args:
      pairs: int[n, 2], sorted.
      n_users: I.
    """
    starts = np.searchsorted(pairs[:, 0], np.arange(n_users + 1)).astype(np.int64)
    return {"history_starts": starts, "history_items": pairs[:, 1].astype(np.int32)}


def rows_of(pairs: np.ndarray, user: int) -> slice:
    """Where a user's pairs stand.

    >>> rows_of(np.array([[0, 5], [2, 1], [2, 7]]), 2)
    slice(1, 3, None)
    """
    start, end = np.searchsorted(pairs[:, 0], [user, user + 1]).tolist()
    return slice(start, end)


def items_of(pairs: np.ndarray, user: int) -> np.ndarray:
    """i32[n]: the items of a user in sorted (user, item) pairs."""
    return pairs[rows_of(pairs, user), 1]


def pairs_of(users: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The pairs of some users, in their order, named by place instead of user.

    Args:
      users: int[b], in any order, a user as often as wanted.
      pairs: int[n, 2], sorted.

    Returns:
      int[m, 2] of (place in `users`, item), sorted.

    >>> pairs_of(np.array([2, 0]), np.array([[0, 5], [2, 1], [2, 7]])).tolist()
    [[0, 1], [0, 7], [1, 5]]
    """
    starts = np.searchsorted(pairs[:, 0], users)
    counts = np.searchsorted(pairs[:, 0], users, side="right") - starts
    places = np.repeat(np.arange(len(users)), counts)
    return np.stack([places, pairs[starts[places] + position_in_group(places), 1]], axis=1)


def history_matrix(users: np.ndarray, pairs: np.ndarray, n_items: int) -> sparse.csr_array:
    """f32[b, J], 1 where a user has an item.

    Args:
      users: int[b].
      pairs: int[n, 2], sorted, each once.
      n_items: J.
    """
    places, items = pairs_of(users, pairs).T
    starts = np.searchsorted(places, np.arange(len(users) + 1))
    ones = np.ones(len(items), np.float32)
    return sparse.csr_array((ones, items, starts), shape=(len(users), n_items))
