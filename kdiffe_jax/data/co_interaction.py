"""How much more often than by chance the same users take two linked items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.share import ALONE, Share

_USERS_AT_ONCE = 2**21


class Lift(NamedTuple):
    """A lift and its standard error, by how it differs between users."""

    value: float
    error: float


def lift(
    pairs: np.ndarray, links: np.ndarray, *, n_users: int, n_items: int, share: Share = ALONE
) -> Lift:
    """Common users of linked items, over what the items' degrees alone would give.

    By chance, items i and j have d_i d_j P / D^2 common users: d are the items' degrees,
    D their sum, and P the number of ordered pairs of items of one user.

    Args:
      pairs: int[n, 2] of (user, item), training interactions, unique.
      links: int[m, 2] of (item, item); links of an item to itself do not count.
      n_users, n_items: sizes I and J.
      share: whose the pairs are; what they tell is of those of all processes.

    Returns:
      1 where links tell nothing, more where users take linked items together; 1 as well,
      without error, where no pair of items could have a common user.

    >>> pairs = np.array([[0, 0], [0, 1], [1, 2], [1, 3]])
    >>> lift(pairs, np.array([[0, 1], [2, 3]]), n_users=2, n_items=4)
    Lift(value=4.0, error=0.0)
    """
    links = links[links[:, 0] != links[:, 1]]
    degrees = share.summed(np.bincount(pairs[:, 1], minlength=n_items).astype(np.float64))
    of_user = np.bincount(pairs[:, 0], minlength=n_users).astype(np.float64)
    together = _total(share, (of_user * (of_user - 1)).sum())
    by_chance = (degrees[links[:, 0]] * degrees[links[:, 1]]).sum() * together
    if not by_chance:
        return Lift(1.0, 0.0)
    common = _common_links(pairs, links, n_users=n_users, n_items=n_items)
    total = _total(share, common.sum())
    around = common - total * of_user * (of_user - 1) / together
    scale = degrees.sum() ** 2 / by_chance
    error = np.sqrt(_total(share, (around**2).sum()))
    return Lift(float(total * scale), float(error * scale))


def _total(share: Share, number: float) -> float:
    return float(share.summed(np.array([number], np.float64))[0])


def _common_links(pairs, links, *, n_users: int, n_items: int) -> np.ndarray:
    """f64[I], the number of links of which a user has both items.

    The users of the end that has fewer are asked for the other one, so that an item which everyone
    has, at the end of many links, costs no more than another.
    """
    taken = np.sort(pairs[:, 0].astype(np.int64) * n_items + pairs[:, 1])
    ones = np.ones(len(pairs), np.int8)
    users = sparse.csr_array((ones, (pairs[:, 1], pairs[:, 0])), shape=(n_items, n_users))
    degrees = np.diff(users.indptr)
    turned = (degrees[links[:, 0]] > degrees[links[:, 1]])[:, None]
    few, other = np.where(turned, links[:, ::-1], links).T
    ends, found = np.cumsum(degrees[few], dtype=np.int64), np.zeros(n_users)
    for block in _blocks(ends):
        asked = users[few[block]].indices.astype(np.int64)
        keys = asked * n_items + np.repeat(other[block], degrees[few[block]])
        places = np.minimum(np.searchsorted(taken, keys), len(taken) - 1)
        found += np.bincount(asked[taken[places] == keys], minlength=n_users)
    return found


def _blocks(ends: np.ndarray) -> Iterator[slice]:
    """Slices of links that ask at most `_USERS_AT_ONCE` users, or of one link.

    Args:
      ends: int64[m], the users that are asked up to and with each link.
    """
    first = 0
    while first < len(ends):
        before = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, before + _USERS_AT_ONCE, side="right"))
        last = max(first + 1, last)
        yield slice(first, last)
        first = last
