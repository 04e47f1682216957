"""Random numbers for whole tables: those of `jax.random`, made several times faster by a CPU.

JAX makes the bits of a Threefry key by a loop over rounds, which a CPU runs over the whole table
in memory, round after round. The rounds written out are one loop over the table's cells, which
the compiler fuses with what reads the bits, and vectorises.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import define_prng_impl

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
_COUNTERS = 2**32


def for_tables(key: jax.Array) -> jax.Array:
    """The same key, of which `jax.random` makes the same numbers faster where they are many.

    Its program is longer, so small draws are better made of the key as it is.

    Args:
      key: typed key of JAX's default generator; keys of another one are given back.

    >>> key = jax.random.key(1)
    >>> many = jax.random.normal(for_tables(key), (3, 50))
    >>> bool((many == jax.random.normal(key, (3, 50))).all())
    True
    """
    if jax.random.key_impl(key) != jax.random.key_impl(jax.random.key(0)):
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=_WRITTEN_OUT)


def threefry(key: tuple, first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Threefry-2x32 with 20 rounds (Salmon et al., 2011, "Parallel random numbers").

    Args:
      key: two u32 numbers.
      first, second: u32 of one shape, the two words of every counter.

    Returns:
      u32 of that shape, the two words of every block.
    """
    words = (*key, key[0] ^ key[1] ^ _PARITY)
    first, second = first + words[0], second + words[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            first = first + second
            second = first ^ _rotated(second, distance)
        first = first + words[(group + 1) % 3]
        second = second + words[(group + 2) % 3] + np.uint32(group + 1)
    return first, second


def _rotated(words: jax.Array, distance: int) -> jax.Array:
    return (words << np.uint32(distance)) | (words >> np.uint32(32 - distance))


def _bits(key: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    size = math.prod(shape)
    if width != 32 or size >= _COUNTERS or not jax.config.jax_threefry_partitionable:
        return jax.random.bits(_plain(key), shape, f"uint{width}")
    counters = jax.lax.iota(jnp.uint32, size)
    first, second = threefry((key[0], key[1]), jnp.zeros_like(counters), counters)
    return (first ^ second).reshape(shape)


def _plain(key: jax.Array) -> jax.Array:
    return jax.random.wrap_key_data(key, impl="threefry2x32")


_WRITTEN_OUT = define_prng_impl(
    key_shape=(2,),
    seed=lambda seed: jax.random.key_data(jax.random.key(seed, impl="threefry2x32")),
    split=lambda key, shape: jax.random.key_data(jax.random.split(_plain(key), shape)),
    random_bits=_bits,
    fold_in=lambda key, data: jax.random.key_data(jax.random.fold_in(_plain(key), data)),
    name="threefry2x32_written_out",
    tag="fry_out",
)
