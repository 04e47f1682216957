"""k-means by Lloyd's iterations, a block of rows at a time."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.row_ops import row_dots

ITERATIONS = 25
ROWS_AT_ONCE = 1024


class Clusters(NamedTuple):
    """Centres, and the nearest one of every row."""

    centres: jax.Array  #: f32[K, d]
    assignment: jax.Array  #: i32[n]


def k_means(
    rows: jax.Array,
    key: jax.Array,
    *,
    clusters: int,
    iterations: int = ITERATIONS,
    block: int = ROWS_AT_ONCE,
) -> Clusters:
    """Centres that begin as different rows; memory for [block, K] distances.

    A cluster without rows keeps its centre.

    Args:
      rows: f32[n, d].
      key: of the first centres.
      clusters: K, at most n.
      iterations: how often all rows are assigned and all centres are moved.
      block: rows at once.

    >>> rows = jnp.array([[0.0], [1.0], [8.0], [9.0]])
    >>> found = k_means(rows, jax.random.key(1), clusters=2)
    >>> sorted(found.centres.ravel().tolist())
    [0.5, 8.5]
    """
    first = rows[jax.random.permutation(key, rows.shape[0])[:clusters]]

    def moved(_, centres):
        return means_of(rows, nearest(rows, centres, block=block), centres)

    centres = jax.lax.fori_loop(0, iterations, moved, first)
    return Clusters(centres, nearest(rows, centres, block=block))


def nearest(rows: jax.Array, centres: jax.Array, *, block: int = ROWS_AT_ONCE) -> jax.Array:
    """i32[n], the centre of the smallest Euclidean distance; the first of equals.

    Args:
      rows: f32[n, d].
      centres: f32[K, d].
      block: rows at once.

    >>> nearest(jnp.array([[0.0], [3.0]]), jnp.array([[2.0], [-1.0]])).tolist()
    [1, 0]
    """
    half_squares = 0.5 * row_dots(centres, centres)[None]

    def of_block(part: jax.Array) -> jax.Array:
        return jnp.argmax(part @ centres.T - half_squares, axis=1).astype(jnp.int32)

    n_rows, width = rows.shape
    if n_rows <= block:
        return of_block(rows)
    parts = jnp.pad(rows, ((0, -n_rows % block), (0, 0))).reshape(-1, block, width)
    return jax.lax.map(of_block, parts).ravel()[:n_rows]


def means_of(rows: jax.Array, assignment: jax.Array, centres: jax.Array) -> jax.Array:
    """f32[K, d], the mean of each cluster's rows; the old centre where there are none.

    Args:
      rows: f32[n, d].
      assignment: i32[n].
      centres: f32[K, d].

    >>> rows, old = jnp.array([[1.0], [3.0]]), jnp.array([[0.0], [7.0]])
    >>> means_of(rows, jnp.array([0, 0]), old).tolist()
    [[2.0], [7.0]]
    """
    n_clusters = centres.shape[0]
    sums = jax.ops.segment_sum(rows, assignment, n_clusters)
    counts = jax.ops.segment_sum(jnp.ones(rows.shape[:1], rows.dtype), assignment, n_clusters)
    return jnp.where(counts[:, None] > 0, sums / jnp.maximum(counts, 1.0)[:, None], centres)
