"""The scoring function as serialised StableHLO, which runs without this package."""

from __future__ import annotations

import jax
import jax.export
import jax.numpy as jnp

from kdiffe_jax.errors import DataError

PLATFORMS = ("cpu", "cuda", "tpu")


def score_matrix(users: jax.Array, items: jax.Array) -> jax.Array:
    """z_u . z_v for every user with every item (eq. 7), in full float32 precision.

    Args:
      users: f32[b, d].
      items: f32[n, d].

    Returns:
      f32[b, n].
    """
    return jnp.matmul(users, items.T, precision=jax.lax.Precision.HIGHEST)


def serialized_scorer(dim: int) -> bytes:
    """`score_matrix` for any number of users and items, for CPU, CUDA and TPU.

    `jax.export.deserialize(bytearray(data)).call(users, items)` runs it.

    Args:
      dim: d.

    Raises:
      DataError: flatbuffers is not installed.
    """
    users, items = jax.export.symbolic_shape("b, n")
    shapes = [jax.ShapeDtypeStruct((rows, dim), jnp.float32) for rows in (users, items)]
    exported = jax.export.export(jax.jit(score_matrix), platforms=PLATFORMS)(*shapes)
    try:
        return bytes(exported.serialize())
    except ImportError as error:
        raise DataError("exporting needs flatbuffers: pip install 'kdiffe_jax[export]'") from error
