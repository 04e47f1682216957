"""Dot products and lengths of rows.

XLA's CPU backend does not vectorise a sum over the last axis; a product with a column of
ones is the same sum, several times as fast.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def row_dots(left: jax.Array, right: jax.Array) -> jax.Array:
    """left[i] . right[i] for every row.

    Args:
      left, right: f32[n, d].

    Returns:
      f32[n].

    >>> row_dots(jnp.array([[1.0, 2.0]]), jnp.array([[3.0, 4.0]])).tolist()
    [11.0]
    """
    ones = jnp.ones(left.shape[-1], left.dtype)
    return jnp.matmul(left * right, ones, precision=jax.lax.Precision.HIGHEST)


def unit_rows(rows: jax.Array, *, epsilon: float = 1e-12) -> jax.Array:
    """Rows scaled to Euclidean length 1; a zero row stays zero and has a finite gradient.

    Args:
      rows: f32[n, d].
      epsilon: squared lengths below it count as it.

    >>> unit_rows(jnp.array([[3.0, 4.0], [0.0, 0.0]])).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return rows * jax.lax.rsqrt(jnp.maximum(row_dots(rows, rows), epsilon))[:, None]


def over_length(rows: jax.Array, power: float, *, epsilon: float = 1e-12) -> jax.Array:
    """Rows over a power of their Euclidean length; a zero row stays zero.

    Args:
      rows: f32[n, d].
      power: 1 gives rows of length 1, 0 the rows themselves.
      epsilon: squared lengths below it count as it.

    >>> over_length(jnp.array([[0.0, 4.0], [0.0, 0.0]]), 0.5).round(1).tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """
    return rows * (jnp.maximum(row_dots(rows, rows), epsilon) ** (-0.5 * power))[:, None]


def frobenius_norm(rows: jax.Array) -> jax.Array:
    """The root of the sum of all squares; of zeros it has a gradient of zero.

    >>> float(frobenius_norm(jnp.array([[3.0], [4.0]]))), float(frobenius_norm(jnp.zeros((2, 1))))
    (5.0, 0.0)
    """
    squares = jnp.sum(jnp.square(rows))
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
