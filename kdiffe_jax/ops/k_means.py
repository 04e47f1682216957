"""k-means by Lloyd's iterations, a block of rows at a time."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.precision import exact_product
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
        return means_of_nearest(rows, centres, block=block)

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
    parts = _in_blocks(rows, block)
    return jax.lax.map(lambda part: _nearest(part, centres), parts).ravel()[: rows.shape[0]]


def means_of_nearest(
    rows: jax.Array, centres: jax.Array, *, block: int = ROWS_AT_ONCE
) -> jax.Array:
    """f32[K, d], the mean of the rows that are nearest to each centre; itself where none is.

    Args:
      rows, centres, block: as in `nearest`.

    >>> rows, centres = jnp.array([[1.0], [3.0]]), jnp.array([[0.0], [7.0]])
    >>> means_of_nearest(rows, centres).tolist()
    [[2.0], [7.0]]
    """
    counted = jnp.concatenate([rows, jnp.ones((rows.shape[0], 1), rows.dtype)], axis=1)

    def add(sums: jax.Array, part: jax.Array):
        own = _nearest(part[:, :-1], centres)
        chosen = jax.nn.one_hot(own, centres.shape[0], dtype=rows.dtype)
        return sums + exact_product(chosen.T, part), None

    nothing = jnp.zeros((centres.shape[0], counted.shape[1]), rows.dtype)
    sums, _ = jax.lax.scan(add, nothing, _in_blocks(counted, block))
    counts = sums[:, -1:]
    return jnp.where(counts > 0, sums[:, :-1] / jnp.maximum(counts, 1.0), centres)


def _nearest(rows: jax.Array, centres: jax.Array) -> jax.Array:
    half_squares = 0.5 * row_dots(centres, centres)[None]
    return jnp.argmax(exact_product(rows, centres.T) - half_squares, axis=1).astype(jnp.int32)


def _in_blocks(rows: jax.Array, block: int) -> jax.Array:
    """f32[blocks, block, d], the last one filled up with zeros."""
    n_rows, width = rows.shape
    block = min(block, n_rows)
    return jnp.pad(rows, ((0, -n_rows % block), (0, 0))).reshape(-1, block, width)
