"""Features, dense or sparse, times a learned matrix; and linear maps with a bias."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax

from kdiffe_jax.models.arrays import Feature
from kdiffe_jax.ops.spmm import multiply

Draw = Callable[..., jax.Array]
XAVIER_UNIFORM = jax.nn.initializers.xavier_uniform()
#: uniform to ± inputs^-1/2, as biases are
FAN_IN_UNIFORM = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def projected(rows: Feature, kernel: jax.Array) -> jax.Array:
    """f32[n, d]: rows f32[n, F], dense or sparse, times a learned matrix f32[F, d]."""
    return rows @ kernel if isinstance(rows, jax.Array) else multiply(rows, kernel)


def fresh_map(
    key: jax.Array, width: int, dim: int, draw: Draw = XAVIER_UNIFORM
) -> dict[str, jax.Array]:
    """A linear map of `width` inputs: its kernel as drawn, its bias uniform to ± width^-1/2."""
    kernel_key, bias_key = jax.random.split(key)
    edge = width**-0.5
    return {
        "kernel": draw(kernel_key, (width, dim)),
        "bias": jax.random.uniform(bias_key, (dim,), minval=-edge, maxval=edge),
    }


def mapped(rows: Feature, linear: Mapping[str, jax.Array]) -> jax.Array:
    """f32[n, d]: rows f32[n, F], dense or sparse, through a linear map."""
    return projected(rows, linear["kernel"]) + linear["bias"][None]
