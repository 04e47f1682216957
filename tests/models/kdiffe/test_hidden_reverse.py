"""The reverse process in hidden space against the literal one, step by step over full rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.denoiser import Denoiser
from kdiffe_jax.models.kdiffe.hidden_reverse import hidden_denoiser, reverse_rows
from kdiffe_jax.ops.diffusion import linear_variance_schedule, reverse_process

N, ENTITIES, DIM = 40, 90, 8


@pytest.mark.parametrize("guided", (True, False))
def test_equals_the_literal_process(rng, guided):
    denoiser = Denoiser(ENTITIES, width=16, step_size=6, dropout=0.5, guided=guided)
    x_last = jnp.asarray(rng.normal(size=(N, ENTITIES)), jnp.float32)
    guidance = jnp.asarray(rng.normal(size=(N, DIM)), jnp.float32)
    start = jnp.zeros(N, jnp.int32)
    params = jax.jit(denoiser.init)(jax.random.key(1), x_last, start, guidance)["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), params)

    @jax.jit
    def both(schedule):
        def predict(x_t, t):
            return denoiser.apply({"params": params}, x_t, t, guidance)

        expected = reverse_process(predict, schedule, x_last)
        return reverse_rows(hidden_denoiser(params), schedule, x_last, guidance), expected

    for timesteps in (1, 2, 50):
        for scale in (1e-3, 0.1, 1.0):
            ends = dict(noise_scale=scale, noise_min=1e-4, noise_max=0.02)
            found, expected = both(linear_variance_schedule(timesteps, **ends))
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
            assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.99
