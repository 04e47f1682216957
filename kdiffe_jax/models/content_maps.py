"""Maps of features that are not trained: linear with a bias, or LeakyReLU of a matrix."""

from __future__ import annotations

from collections.abc import Mapping

import jax

from kdiffe_jax.models.arrays import Feature
from kdiffe_jax.models.linear_maps import (
    FAN_IN_UNIFORM,
    XAVIER_UNIFORM,
    fresh_map,
    mapped,
    projected,
)

_LEAKY_SLOPE = 0.2


def fresh_content_map(key: jax.Array, width: int, dim: int, form: str) -> dict[str, jax.Array]:
    """A kernel f32[width, dim], and the bias f32[dim] of a "linear" map.

    A linear map is uniform to ± width^-1/2, a "leaky" one from Xavier's uniform distribution.
    """
    if form == "leaky":
        return {"kernel": XAVIER_UNIFORM(key, (width, dim))}
    return fresh_map(key, width, dim, FAN_IN_UNIFORM)


def mapped_content(feature: Feature, linear: Mapping[str, jax.Array]) -> jax.Array:
    """f32[J, dim]: features, dense or sparse, through their map; without a bias it is leaky."""
    if "bias" in linear:
        return mapped(feature, linear)
    return jax.nn.leaky_relu(projected(feature, linear["kernel"]), _LEAKY_SLOPE)
