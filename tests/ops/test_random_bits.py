"""Draws of tables are those of `jax.random`, to the bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.ops.random_bits import for_tables, threefry

DRAWS = {
    "normal": lambda key, shape: jax.random.normal(key, shape),
    "mask": lambda key, shape: jax.random.bernoulli(key, 0.3, shape),
    "uniform": lambda key, shape: jax.random.uniform(key, shape, minval=-2.0, maxval=3.0),
    "bits of 16": lambda key, shape: jax.random.bits(key, shape, "uint16"),
    "integers": lambda key, shape: jax.random.randint(key, shape, 0, 1000),
    "bits of a part": lambda key, shape: jax.random.bits(jax.random.split(key, 3)[1], shape),
    "bits of a fold": lambda key, shape: jax.random.bits(jax.random.fold_in(key, 7), shape),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("shape", [(), (1,), (5, 0), (3, 333), (2, 3, 77)])
def test_draws_are_those_of_jax(draw, shape):
    key = jax.random.key(11)
    of_table = jax.jit(lambda k: draw(for_tables(k), shape))(key)
    np.testing.assert_array_equal(of_table, jax.jit(lambda k: draw(k, shape))(key))


def test_many_keys_at_once():
    keys = jax.random.split(jax.random.key(4), 6)
    found = jax.vmap(lambda key: jax.random.normal(for_tables(key), (9,)))(keys)
    expected = jax.vmap(lambda key: jax.random.normal(key, (9,)))(keys)
    np.testing.assert_array_equal(found, expected)


def test_known_blocks():
    """The three known answers that Salmon et al. publish with their programs (20 rounds)."""
    words = np.array([[0, 0], [2**32 - 1] * 2, [0x243F6A88, 0x85A308D3]], np.uint32)
    keys = np.array([[0, 0], [2**32 - 1] * 2, [0x13198A2E, 0x03707344]], np.uint32)
    blocks = [[0x6B200159, 0x99BA4EFE], [0x1CB996FC, 0xBB002BE7], [0xC4923A9C, 0x483DF7A0]]
    found = [threefry(tuple(k), *jnp.asarray(w)[:, None]) for k, w in zip(keys, words, strict=True)]
    np.testing.assert_array_equal(np.squeeze(np.array(found)), np.array(blocks, np.uint32))


def test_keys_of_another_generator_stay():
    key = jax.random.key(0, impl="rbg")
    assert for_tables(key) is key


def test_without_partitionable_bits_the_draws_are_those_of_jax_too():
    with jax.threefry_partitionable(False):
        key = jax.random.key(2)
        drawn = jax.random.normal(for_tables(key), (4, 5))
        np.testing.assert_array_equal(drawn, jax.random.normal(key, (4, 5)))
