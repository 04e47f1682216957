"""The user-item graph without a random share of its edges or of its nodes (SGL's dropping)."""

from __future__ import annotations

from functools import singledispatch

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import Laplacian, SparseOperator


def drop_edges(laplacian: Laplacian, key: jax.Array, share: float) -> Laplacian:
    """The Laplacian of the graph without a random share of its edges, in the same places.

    An edge goes in both directions at once. D is taken anew from what is left, as the number of
    entries of each row, so the operator must have its degrees from A alone.

    Args:
      laplacian: eq. 4.
      key: of the draw.
      share: of the edges that go.

    Returns:
      The same blocks with other values, 0 where an edge is gone.
    """
    return dropped(*laplacian, key, share)


@singledispatch
def dropped(
    to_users: SparseOperator, to_items: SparseOperator, key: jax.Array, share: float
) -> Laplacian:
    """`drop_edges` of a Laplacian's blocks. Other kinds of blocks register a form of their own."""
    kept = (jax.random.uniform(key, to_users.values.shape) >= share).astype(jnp.float32)
    return _with_edges(to_users, to_items, kept)


def drop_nodes(laplacian: Laplacian, key: jax.Array, share: float) -> Laplacian:
    """The Laplacian of the graph without the edges of some nodes, in the same places.

    int(I * share) users and int(J * share) items go, drawn without putting back; D is taken anew
    as in `drop_edges`.

    Args:
      laplacian: eq. 4.
      key: of the draw.
      share: of the users and of the items that go.
    """
    return without_nodes(*laplacian, key, share)


@singledispatch
def without_nodes(
    to_users: SparseOperator, to_items: SparseOperator, key: jax.Array, share: float
) -> Laplacian:
    """`drop_nodes` of a Laplacian's blocks. Other kinds of blocks register a form of their own."""
    n_users, n_items = (block.row_starts.shape[0] - 1 for block in (to_users, to_items))
    users, items = kept_nodes(key, n_users, n_items, share)
    return _with_edges(to_users, to_items, users[to_users.rows] * items[to_users.columns])


def kept_nodes(
    key: jax.Array, n_users: int, n_items: int, share: float
) -> tuple[jax.Array, jax.Array]:
    """f32[I] and f32[J]: 0 for exactly int(size * share) nodes of each side, 1 for the others."""
    drawn = zip(jax.random.split(key), (n_users, n_items), strict=True)
    users, items = (jax.random.permutation(k, size) >= int(size * share) for k, size in drawn)
    return users.astype(jnp.float32), items.astype(jnp.float32)


def _with_edges(to_users: SparseOperator, to_items: SparseOperator, kept: jax.Array) -> Laplacian:
    of_users = _regained(to_users, kept)
    of_items = _regained(to_items, kept[to_users.to_transpose])
    values = to_users.values * kept * (of_users[to_users.rows] * of_items[to_users.columns])
    transposed = values[to_users.to_transpose]
    return Laplacian(to_users._replace(values=values), to_items._replace(values=transposed))


def _regained(block: SparseOperator, kept: jax.Array) -> jax.Array:
    """f32[rows]: the root of a node's degree before over its degree after."""
    before = jnp.diff(block.row_starts).astype(jnp.float32)
    left = jax.ops.segment_sum(kept, block.rows, before.shape[0], indices_are_sorted=True)
    return jnp.sqrt(before / jnp.maximum(left, 1.0))
