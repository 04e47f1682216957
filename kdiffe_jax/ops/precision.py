"""Matrix products in float32, or from bfloat16 inputs summed in float32."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp


def product(left: jax.Array, right: jax.Array, precision: str = "float32") -> jax.Array:
    """left @ right, differentiable; "bfloat16" rounds what enters each product, gradients included.

    Args:
      left: f32[n, k].
      right: f32[k, m].
      precision: "float32", which is `left @ right`, or "bfloat16".

    Returns:
      f32[n, m].

    >>> one_third = jnp.full((1, 1), 1 / 3)
    >>> product(one_third, jnp.eye(1), "bfloat16").item()
    0.333984375
    """
    return left @ right if precision == "float32" else _rounded_product(left, right)


def exact_product(left: jax.Array, right: jax.Array) -> jax.Array:
    """left @ right in float32 or more on every device, for what is compared or sorted afterwards.

    An accelerator rounds what enters a product of float32 unless it is told not to: a GPU to 11
    bits (TF32), which do not tell 2049 from 2050.

    Args:
      left, right: [n, k] and [k, m] of float32, float64 or bfloat16.

    Returns:
      [n, m] of float32, of float64 where one of them is.
    """
    kind = jnp.promote_types(jnp.promote_types(left.dtype, right.dtype), jnp.float32)
    highest = jax.lax.Precision.HIGHEST
    return jnp.matmul(left, right, precision=highest, preferred_element_type=kind)


def dot_general_of(precision: str) -> Callable | None:
    """`product` as flax.linen.Dense calls it, None for its own; rows times a kernel only."""
    if precision == "float32":
        return None

    def dot_general(rows, kernel, dimension_numbers, precision=None):
        del dimension_numbers, precision
        return _rounded_product(rows, kernel)

    return dot_general


@jax.custom_vjp
def _rounded_product(left, right):
    return _sum_in_float32(left.astype(jnp.bfloat16), right.astype(jnp.bfloat16))


def _forward(left, right):
    left, right = left.astype(jnp.bfloat16), right.astype(jnp.bfloat16)
    return _sum_in_float32(left, right), (left, right)


def _backward(saved, gradient):
    left, right = saved
    gradient = gradient.astype(jnp.bfloat16)
    return _sum_in_float32(gradient, right.T), _sum_in_float32(left.T, gradient)


def _sum_in_float32(left, right):
    return jnp.matmul(left, right, preferred_element_type=jnp.float32)


_rounded_product.defvjp(_forward, _backward)
