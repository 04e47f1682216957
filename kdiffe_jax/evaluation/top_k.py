"""The k largest of many scores by way of the largest of each group.

An item among the k best lies in one of the k groups with the best largest scores, so
`lax.top_k`, whose time grows with the width, sees the groups' largest scores and then the
members of k groups. A group holds consecutive items, so equal scores stay in order of id.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Groups(NamedTuple):
    """Items in groups of `size` consecutive ids; member 0 of all groups is stored first."""

    items: int
    size: int

    @property
    def number(self) -> int:
        return -(-self.items // self.size)

    @property
    def stored(self) -> np.ndarray:
        """i32[size * number]: the item at each stored position; ids from `items` on are padding."""
        members, groups = np.arange(self.size)[:, None], np.arange(self.number)[None]
        return (members + groups * self.size).ravel().astype(np.int32)

    def position(self, items: jax.Array) -> jax.Array:
        """Where an item is stored."""
        return items % self.size * self.number + items // self.size


def groups_for(n_items: int, k: int) -> Groups:
    """Groups for which both choices are about as wide.

    >>> groups_for(18357, 20).size, groups_for(30, 20).size
    (32, 1)
    """
    return Groups(n_items, max(1, 2 ** round(np.log2(max(1.0, n_items / k)) / 2)))


def grouped_top_k(scores: jax.Array, k: int, groups: Groups) -> tuple[jax.Array, jax.Array]:
    """`lax.top_k` of scores that are stored by groups.

    Args:
      scores: f32[n, size * count], -inf on padding.
      k: at most the number of items.
      groups: how items are stored.

    Returns:
      f32[n, k] scores and i32[n, k] item ids; equal scores are ordered by item number.
    """
    by_member = scores.reshape(-1, groups.size, groups.number)
    best = jax.lax.optimization_barrier(by_member.max(axis=1))
    chosen = jnp.sort(jax.lax.top_k(best, min(k, groups.number))[1], axis=1)
    candidates = jnp.take_along_axis(by_member, chosen[:, None, :], axis=2)
    candidates = jax.lax.optimization_barrier(candidates.transpose(0, 2, 1))
    values, at = jax.lax.top_k(candidates.reshape(len(scores), -1), k)
    group = jnp.take_along_axis(chosen, at // groups.size, axis=1)
    return values, group * groups.size + at % groups.size
