"""The scoring functions as serialised StableHLO, which runs without this package."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.export
import jax.numpy as jnp

from kdiffe_jax.errors import DataError
from kdiffe_jax.ops.precision import exact_product

PLATFORMS = ("cpu", "cuda", "tpu")


def score_matrix(users: jax.Array, items: jax.Array) -> jax.Array:
    """z_u . z_v for every user with every item (eq. 7), in full float32 precision.

    Args:
      users: f32[b, d].
      items: f32[n, d].

    Returns:
      f32[b, n].
    """
    return exact_product(users, items.T)


def history_scores(histories: jax.Array, weights: jax.Array, scale: jax.Array) -> jax.Array:
    """(R W)_j scale_j for every history and item j, in full float32 precision.

    Args:
      histories: f32[b, n], 1 where a user has an item.
      weights: f32[n, n].
      scale: f32[n].

    Returns:
      f32[b, n].
    """
    return exact_product(histories, weights) * scale[None]


def serialized_scorer(dim: int) -> bytes:
    """`score_matrix` for any number of users and items, for CPU, CUDA and TPU.

    `jax.export.deserialize(bytearray(data)).call(users, items)` runs it.

    Raises:
      DataError: flatbuffers is not installed.
    """
    users, items = jax.export.symbolic_shape("b, n")
    return _serialized(score_matrix, (users, dim), (items, dim))


def serialized_history_scorer() -> bytes:
    """`history_scores` for any number of histories and items, as `serialized_scorer`.

    Raises:
      DataError: flatbuffers is not installed.
    """
    histories, items = jax.export.symbolic_shape("b, n")
    return _serialized(history_scores, (histories, items), (items, items), (items,))


def _serialized(function: Callable[..., jax.Array], *shapes: tuple) -> bytes:
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    exported = jax.export.export(jax.jit(function), platforms=PLATFORMS)(*arguments)
    try:
        return bytes(exported.serialize())
    except ImportError as error:
        raise DataError("exporting needs flatbuffers: pip install 'kdiffe_jax[export]'") from error
