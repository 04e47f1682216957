"""The users that a split is ranked for: all that it has, or some of them."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.share import ALONE, Share

_MANY = 5e10  #: users times items whose ranking takes minutes


def of_ranked_users(
    pairs: np.ndarray, most: int, *, n_users: int, share: Share = ALONE
) -> np.ndarray:
    """The pairs of the users that are ranked for: about `most`, or all where these are fewer.

    Who is drawn depends on numbers of users alone: the same for every model and seed.

    Args:
      pairs: i32[n, 2] of (user, item), a split or a share of it.
      most: 0 ranks for all.
      n_users: I.
      share: whose the pairs are.

    >>> pairs = np.array([(user, 0) for user in range(1000)])
    >>> len(of_ranked_users(pairs, 100, n_users=1000)), len(of_ranked_users(pairs, 0, n_users=1000))
    (89, 1000)
    """
    if not most:
        return pairs
    total = share.offset_and_total(len(np.unique(pairs[:, 0])))[1]
    if total <= most:
        return pairs
    drawn = np.random.default_rng(0).random(n_users) < most / total
    return pairs[drawn[pairs[:, 0]]]


def slow_ranking(n_ranked: int, n_items: int) -> str:
    """What to say where a ranking takes minutes; empty where it does not.

    >>> slow_ranking(9_308, 6_710), slow_ranking(10**6, 10**6)[:52]
    ('', 'every epoch ranks 1,000,000 items for 1,000,000 user')
    """
    if n_ranked * n_items < _MANY:
        return ""
    return (
        f"every epoch ranks {n_items:,} items for {n_ranked:,} users of the validation split, "
        "which takes minutes; --eval_users=20000 ranks for some of them"
    )
