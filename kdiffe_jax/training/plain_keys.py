"""Typed keys as arrays, which a checkpoint can hold."""

from __future__ import annotations

from typing import Any

import jax


def without_keys(tree: Any) -> Any:
    """A pytree with the words of typed keys in their place."""
    return jax.tree.map(lambda leaf: _words(leaf) if _is_key(leaf) else leaf, tree)


def with_keys(tree: Any, like: Any) -> Any:
    """Inverse of `without_keys`; `like` has typed keys where they belong."""
    return jax.tree.map(
        lambda leaf, model: jax.random.wrap_key_data(leaf) if _is_key(model) else leaf, tree, like
    )


def _words(key: Any) -> Any:
    if not isinstance(key, jax.ShapeDtypeStruct):
        return jax.random.key_data(key)
    words = jax.eval_shape(jax.random.key_data, key)
    return jax.ShapeDtypeStruct(words.shape, words.dtype, sharding=key.sharding)


def _is_key(leaf) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)
