"""The user-item graph without a random share of its entries, each direction for itself (HCCF)."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import Laplacian, SparseOperator, SparsePair
from kdiffe_jax.ops.spmm import multiply


class Directed(NamedTuple):
    """A graph whose two directions differ, each with its transpose."""

    to_users: SparsePair  #: f32[I, J]
    to_items: SparsePair  #: f32[J, I]

    @classmethod
    def both(cls, to_users: Laplacian, to_items: Laplacian) -> Directed:
        """What users receive by one Laplacian, and items by another."""
        return cls(SparsePair(*to_users), SparsePair(*reversed(to_items)))

    def next_layer(self, users: jax.Array, items: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What users f32[I, d] and items f32[J, d] receive from each other."""
        return multiply(self.to_users, items), multiply(self.to_items, users)


def drop_entries(laplacian: Laplacian, key: jax.Array, share: float) -> Directed:
    """The Laplacian without a random share of its entries, the others divided by what is kept.

    An edge is two entries, which stay or go independently. Degrees stay as they are, so the
    expectation of the product is that of the whole.

    Args:
      laplacian: eq. 4.
      key: of the draw.
      share: of the entries that go, less than 1.
    """
    keys = jax.random.split(key)
    return Directed.both(*(thinned(*laplacian, one, share) for one in keys))


@singledispatch
def thinned(
    to_users: SparseOperator, to_items: SparseOperator, key: jax.Array, share: float
) -> Laplacian:
    """Both blocks without a random share of the edges, the others over 1 - share.

    Other kinds of blocks register a form of their own.
    """
    factors = kept_over_share(key, to_users.values.shape[0], share)
    of_users = to_users.values * factors
    of_items = to_items.values * factors[to_users.to_transpose]
    return Laplacian(to_users._replace(values=of_users), to_items._replace(values=of_items))


def kept_over_share(key: jax.Array, n_edges: int, share: float) -> jax.Array:
    """f32[n_edges]: 0 where an edge goes, 1/(1 - share) where it stays."""
    kept = jax.random.uniform(key, (n_edges,)) >= share
    return kept.astype(jnp.float32) / (1.0 - share)
