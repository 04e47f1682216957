"""A user-item graph of one edge a user, with self-loops, of a size that does not change."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class OneItemGraph(NamedTuple):
    """Entries of D^-1/2 (A + I) D^-1/2, some of which may be dropped or scaled."""

    items: jax.Array  #: i32[I], each user's
    to_users: jax.Array  #: f32[I], what a user takes of its item
    to_items: jax.Array  #: f32[I], what the item takes of the user
    user_loops: jax.Array  #: f32[I]
    item_loops: jax.Array  #: f32[J]


def one_item_graph(items: jax.Array, *, n_items: int) -> OneItemGraph:
    """The graph in which each user has one item i32[I]; D counts the loops.

    >>> graph = one_item_graph(jnp.array([1, 1]), n_items=2)
    >>> [f"{value:.2f}" for value in (*graph.to_users, *graph.item_loops)]
    ['0.41', '0.41', '1.00', '0.33']
    """
    users = jnp.full(items.shape, 2.0)
    degrees = 1.0 + jax.ops.segment_sum(jnp.ones(items.shape), items, n_items)
    entries = jax.lax.rsqrt(users * degrees[items])
    return OneItemGraph(items.astype(jnp.int32), entries, entries, 1.0 / users, 1.0 / degrees)


def loops_alone(*, n_users: int, n_items: int) -> OneItemGraph:
    """The graph without an edge: rows stay as they are."""
    nobody, loops = jnp.zeros(n_users), jnp.ones(n_users)
    return OneItemGraph(jnp.zeros(n_users, jnp.int32), nobody, nobody, loops, jnp.ones(n_items))


def dropped_entries(graph: OneItemGraph, key: jax.Array, share: float) -> OneItemGraph:
    """Without a random share of the entries, each drawn for itself; what is left is scaled."""
    items, *values = graph
    keys = jax.random.split(key, len(values))
    stays = (
        jax.random.bernoulli(k, 1.0 - share, v.shape) for k, v in zip(keys, values, strict=True)
    )
    left = (jnp.where(s, v / (1.0 - share), 0.0) for s, v in zip(stays, values, strict=True))
    return OneItemGraph(items, *left)


def over_one_item(
    graph: OneItemGraph, users: jax.Array, items: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The graph times users f32[I, d] and items f32[J, d]."""
    of_users = graph.to_users[:, None] * items[graph.items] + graph.user_loops[:, None] * users
    sent = graph.to_items[:, None] * users
    taken = jax.ops.segment_sum(sent, graph.items, items.shape[0])
    return of_users, taken + graph.item_loops[:, None] * items
