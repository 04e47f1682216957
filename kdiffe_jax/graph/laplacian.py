"""The attention-aware Laplacian D^-1/2 (A + xi S) D^-1/2 (eq. 4)."""

from __future__ import annotations

from functools import singledispatch

import jax
import jax.numpy as jnp
from jax.experimental.sparse import BCOO

from kdiffe_jax.types import Laplacian, SparseOperator


def attention_laplacian(
    users: jax.Array,
    items: jax.Array,
    similarity: jax.Array,
    *,
    n_users: int,
    n_items: int,
    xi: float | jax.Array,
    degree_from: str = "adjacency",
    self_loops: bool = False,
) -> BCOO:
    """L = D^-1/2 (A + xi S) D^-1/2 over users and items (eq. 4), both bipartite blocks.

    Args:
      users, items: i32[n], the interactions, each pair once.
      similarity: f32[n], S on the interactions (eq. 5).
      n_users, n_items: sizes I and J.
      xi: weight of S, may be traced; 0 gives LightGCN's Laplacian.
      degree_from: "adjacency" takes D from A as eq. 4 does, "weighted" from A + xi S.
      self_loops: add the identity to A before D is taken.

    Returns:
      Symmetric BCOO f32[I + J, I + J], indices sorted and unique; item j is node I + j.
      A node without interactions has an empty row.

    Raises:
      ValueError: an unknown `degree_from`.
    """
    weights, counted = entry_weights(similarity, xi=xi, degree_from=degree_from)
    n_nodes = n_users + n_items
    users = jnp.asarray(users, jnp.int32)
    items = jnp.asarray(items, jnp.int32) + n_users
    rows, columns = jnp.concatenate([users, items]), jnp.concatenate([items, users])
    values = jnp.concatenate([weights, weights])
    counted = jnp.concatenate([counted, counted])
    if self_loops:
        nodes = jnp.arange(n_nodes, dtype=jnp.int32)
        rows, columns = jnp.concatenate([rows, nodes]), jnp.concatenate([columns, nodes])
        values = jnp.concatenate([values, jnp.ones(n_nodes)])
        counted = jnp.concatenate([counted, jnp.ones(n_nodes)])
    degrees = jax.ops.segment_sum(counted, rows, n_nodes)
    scale = jnp.where(degrees > 0, 1.0 / jnp.sqrt(jnp.maximum(degrees, 1e-12)), 0.0)
    order = jnp.lexsort((columns, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    return BCOO(
        (values * (scale[rows] * scale[columns]), jnp.stack([rows, columns], axis=1)),
        shape=(n_nodes, n_nodes),
        indices_sorted=True,
        unique_indices=True,
    )


def drop_edges(laplacian: Laplacian, key: jax.Array, share: float) -> Laplacian:
    """The Laplacian of the graph without a random share of its edges, in the same places.

    An edge goes in both directions at once; the identity stays. D is taken anew from what is
    left, as the number of entries of each row, so the operator must have been built with
    `degree_from="adjacency"`.

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
    there: SparseOperator, back: SparseOperator, loops: jax.Array | None, key: jax.Array, share
) -> Laplacian:
    """`drop_edges` of a Laplacian's parts. Other kinds of blocks register a form of their own."""
    own = 0.0 if loops is None else 1.0
    kept = (jax.random.uniform(key, there.values.shape) >= share).astype(jnp.float32)
    of_users = _regained(there, kept, own)
    of_items = _regained(back, kept[there.to_transpose], own)
    values = there.values * kept * (of_users[there.rows] * of_items[there.columns])
    if loops is not None:
        loops = loops * jnp.square(jnp.concatenate([of_users, of_items]))
    transposed = values[there.to_transpose]
    return Laplacian(there._replace(values=values), back._replace(values=transposed), loops)


def _regained(block: SparseOperator, kept: jax.Array, own: float) -> jax.Array:
    """f32[rows]: the root of a node's degree before over its degree after."""
    before = jnp.diff(block.row_starts) + own
    left = jax.ops.segment_sum(kept, block.rows, before.shape[0], indices_are_sorted=True) + own
    return jnp.sqrt(before / jnp.maximum(left, 1.0))


def entry_weights(
    similarity: jax.Array, *, xi: float | jax.Array, degree_from: str
) -> tuple[jax.Array, jax.Array]:
    """1 + xi S of every interaction, and what it counts in D; both f32[n].

    Raises:
      ValueError: an unknown `degree_from`.
    """
    if degree_from not in ("adjacency", "weighted"):
        raise ValueError(f"degree_from={degree_from!r}: expected 'adjacency' or 'weighted'")
    weights = 1.0 + xi * jnp.asarray(similarity, jnp.float32)
    return weights, weights if degree_from == "weighted" else jnp.ones_like(weights)


def mean_of_users(users: jax.Array, items: jax.Array, *, n_users: int, n_items: int) -> BCOO:
    """The operator that averages the embeddings of an item's users (eq. 11).

    Args:
      users, items: i32[n], the interactions, each pair once.
      n_users, n_items: sizes I and J.

    Returns:
      BCOO f32[J, I], indices sorted; rows sum to 1, or are empty where an item has no user.
    """
    items, users = jnp.asarray(items, jnp.int32), jnp.asarray(users, jnp.int32)
    order = jnp.lexsort((users, items))
    items, users = items[order], users[order]
    degrees = jax.ops.segment_sum(jnp.ones(len(items)), items, n_items)
    return BCOO(
        (1.0 / degrees[items], jnp.stack([items, users], axis=1)),
        shape=(n_items, n_users),
        indices_sorted=True,
        unique_indices=True,
    )
