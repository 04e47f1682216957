"""Features as start values of trained tables, each with a linear map of its own.

Models of enoche/MMRec take features so. Dense ones are parameters, "features_m"; sparse rows stay
inputs, and only their map, "map_m", is trained.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Inputs, Params, Sizes
from kdiffe_jax.models.linear_maps import FAN_IN_UNIFORM, Draw, fresh_map, mapped


def fresh_features(
    key: jax.Array, inputs: Inputs, sizes: Sizes, dim: int, draw: Draw = FAN_IN_UNIFORM
) -> dict[str, Params]:
    """The parameters of all modalities: copies of dense features, and maps to f32[J, dim].

    Args:
      key: of the maps.
      inputs: with the features.
      sizes: with the widths of the features.
      dim: of what the maps give.
      draw: their kernels.
    """
    found: dict[str, Params] = {}
    keys = jax.random.split(key, len(sizes.feature_widths))
    for own, (name, width) in zip(keys, sizes.feature_widths, strict=True):
        found[f"map_{name}"] = fresh_map(own, width, dim, draw)
    for name, rows in (inputs.features or {}).items():
        if isinstance(rows, jax.Array):
            found[f"features_{name}"] = jnp.array(rows, copy=True)
    return found


def content_rows(
    params: Params, inputs: Inputs, name: str, items: jax.Array | None = None
) -> jax.Array:
    """f32[J, dim]: a modality's features through its map; f32[n, dim] of some items alone."""
    trained, linear = params.get(f"features_{name}"), params[f"map_{name}"]
    rows = inputs.features[name] if trained is None else trained
    if items is None:
        return mapped(rows, linear)
    if isinstance(rows, jax.Array) and len(items) < len(rows):
        return mapped(rows[items], linear)
    return mapped(rows, linear)[items]
