"""log sum exp by the rows and by the columns of one matrix of inner products.

Where two views are told apart in both directions, one product serves both: the value takes one
matrix product instead of two, the gradient two instead of four.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

_NOTHING = -1e30  # in place of an infinity, of which rows that are not real would be NaN


def two_way_log_sum_exp(
    left: jax.Array, right: jax.Array, real: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """log sum_v exp(l_n . r_v) and log sum_v exp(l_v . r_n), v and n real.

    Args:
      left, right: f32[n, d].
      real: bool[n].

    Returns:
      f32[n] and f32[n], finite but without a meaning where n is not real. Holds f32[n, n].

    >>> left, right = jnp.array([[0.0], [1.0], [9.0]]), jnp.array([[1.0], [1.0], [9.0]])
    >>> found = two_way_log_sum_exp(left, right, jnp.array([True, True, False]))
    >>> [[f"{value:.2f}" for value in row[:2]] for row in found]
    [['0.69', '1.69'], ['1.31', '1.31']]
    """
    return _two_way(left, right, jnp.where(real, 0.0, _NOTHING))


@jax.custom_vjp
def _two_way(left, right, mask):
    return _forward(left, right, mask)[0]


def _forward(left, right, mask):
    logits = left @ right.T + (mask[None] + mask[:, None])
    by_rows, by_columns = (_scaled(logits, axis) for axis in (1, 0))
    sums = tuple(largest + jnp.log(total) for largest, _, total in (by_rows, by_columns))
    return sums, (left, right, by_rows[1:], by_columns[1:])


def _scaled(logits, axis):
    largest = logits.max(axis=axis)
    scaled = jnp.exp(logits - jnp.expand_dims(largest, axis))
    return largest, scaled, scaled.sum(axis=axis)


def _backward(saved, gradients):
    left, right, (by_rows, of_rows), (by_columns, of_columns) = saved
    to_rows, to_columns = gradients
    pull = by_rows * (to_rows / of_rows)[:, None] + by_columns * (to_columns / of_columns)[None]
    # The small sides are transposed; on its own XLA would transpose the large one.
    fixed = jax.lax.optimization_barrier
    return pull @ right, fixed(fixed(left.T) @ pull).T, jnp.zeros_like(of_rows)


_two_way.defvjp(_forward, _backward)
