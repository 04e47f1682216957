"""Maps of features that are not trained: linear with a bias, or LeakyReLU of a matrix."""

from __future__ import annotations

from collections.abc import Mapping

import jax

from kdiffe_jax.models.arrays import Feature
from kdiffe_jax.ops.spmm import multiply

_LEAKY_SLOPE = 0.2


def fresh_content_map(key: jax.Array, width: int, dim: int, form: str) -> dict[str, jax.Array]:
    """A kernel f32[width, dim], and the bias f32[dim] of a "linear" map.

    A linear map is uniform to ± width^-1/2, a "leaky" one from Xavier's uniform distribution.
    """
    if form == "leaky":
        return {"kernel": jax.nn.initializers.xavier_uniform()(key, (width, dim))}
    keys, edge = jax.random.split(key), width**-0.5
    shapes = {"kernel": (width, dim), "bias": (dim,)}
    return {
        name: jax.random.uniform(own, shape, minval=-edge, maxval=edge)
        for own, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def mapped_content(feature: Feature, linear: Mapping[str, jax.Array]) -> jax.Array:
    """f32[J, dim]: features, dense or sparse, through their map; without a bias it is leaky."""
    kernel = linear["kernel"]
    dense = isinstance(feature, jax.Array)
    rows = feature @ kernel if dense else multiply(feature, kernel)
    if "bias" in linear:
        return rows + linear["bias"][None]
    return jax.nn.leaky_relu(rows, _LEAKY_SLOPE)
