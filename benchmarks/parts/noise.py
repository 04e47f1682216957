"""The random numbers of one step's denoiser: noise and a mask, a number for every entity."""

from __future__ import annotations

import jax
import numpy as np

from benchmarks.harness import Case, Part
from benchmarks.parts.sizes import Sizes
from kdiffe_jax.ops.random_bits import for_tables

_ROWS = 512


def part(sizes: Sizes) -> Part:
    """Drawn by a key for tables, against the same key as it is."""
    shape, key = (_ROWS, sizes.entities), jax.random.key(0)

    @jax.jit
    def drawn(key):
        noise_key, mask_key = jax.random.split(key)
        return jax.random.normal(noise_key, shape), jax.random.bernoulli(mask_key, 0.5, shape)

    @jax.jit
    def ours(key):
        noise_key, mask_key = map(for_tables, jax.random.split(key))
        return jax.random.normal(noise_key, shape), jax.random.bernoulli(mask_key, 0.5, shape)

    runs = {"ours": lambda: ours(key), "jax.random, the key as it is": lambda: drawn(key)}
    return Part(
        f"noise and mask of {_ROWS} rows of {sizes.entities} entities",
        [Case(name, run, name.startswith("jax")) for name, run in runs.items()],
        check=lambda: _check(ours(key), drawn(key)),
    )


def _check(ours, others) -> None:
    for one, other in zip(ours, others, strict=True):
        np.testing.assert_array_equal(one, other)
