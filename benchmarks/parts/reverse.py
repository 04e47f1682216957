"""The reverse process over all items' rows, as the rebuild runs it (eq. 10, 12)."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, default_model
from kdiffe_jax.models.kdiffe.hidden_reverse import hidden_denoiser, reverse_rows
from kdiffe_jax.ops.diffusion import reverse_process

BLOCK = 1024


def part(sizes: Sizes) -> Part:
    """In the hidden space, in both precisions, and literally: T predictions of whole rows."""
    model = default_model(sizes)
    rows = min(BLOCK, sizes.items)
    rng = np.random.default_rng(0)
    noise = jnp.asarray(rng.standard_normal((rows, sizes.entities)), jnp.float32)
    guidance = jnp.asarray(rng.standard_normal((rows, model.embedding.dim)), jnp.float32)
    params = model.denoiser.init(
        jax.random.key(0), noise[:1], jnp.zeros(1, jnp.int32), guidance[:1]
    )["params"]

    @partial(jax.jit, static_argnames="precision")
    def ours(params, noise, guidance, *, precision):
        denoiser = hidden_denoiser(params, precision)
        return reverse_rows(denoiser, model.schedule, noise, guidance, precision)

    @jax.jit
    def literal(params, noise, guidance):
        def predict(x_t, timesteps):
            return model.denoiser.apply({"params": params}, x_t, timesteps, guidance)

        return reverse_process(predict, model.schedule, noise)

    runs = {
        "ours, in the hidden space": lambda: ours(params, noise, guidance, precision="float32"),
        "ours, bfloat16 products": lambda: ours(params, noise, guidance, precision="bfloat16"),
        "literal": lambda: literal(params, noise, guidance),
    }
    steps, width = model.options.timesteps, model.denoiser.width
    works = (
        reverse_work(rows, sizes.entities, width, steps),
        None,
        Work(bytes=8.0 * noise.size, operations=steps * 4.0 * noise.size * width),
    )
    return Part(
        f"reverse process of {rows} items: {sizes.entities} entities, width {width}, T = {steps}",
        [
            Case(name, run, name == "literal", work)
            for (name, run), work in zip(runs.items(), works, strict=True)
        ],
        check=lambda: _check(*(np.asarray(run()) for run in runs.values())),
    )


def reverse_work(rows: int, entities: int, width: int, steps: int) -> Work:
    """In the hidden space: W_2 W_1, the way in and out, T - 1 products of [rows, width]."""
    wide = 2 * 2.0 * rows * entities * width
    inner = (steps - 1) * 2.0 * rows * width * width
    loop = 2.0 * entities * width * width
    return Work(
        bytes=8.0 * rows * entities + 16.0 * entities * width, operations=wide + inner + loop
    )


def _check(ours, rounded, literal):
    np.testing.assert_allclose(ours, literal, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(rounded, literal, rtol=0, atol=2e-2 * np.abs(literal).max())
