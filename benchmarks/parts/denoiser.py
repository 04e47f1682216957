"""One training step's denoiser: ELBO, value and gradient (eq. 8-12)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, default_model, random_dataset
from kdiffe_jax.config import TrainConfig
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows
from kdiffe_jax.models.kdiffe.rebuild import dense_rows
from kdiffe_jax.ops.diffusion import elbo_weights, q_sample
from kdiffe_jax.ops.losses import elbo


def part(sizes: Sizes) -> Part:
    """The module of the program, in both precisions, against the MLP of one joined input."""
    model = default_model(sizes)
    steps = -(-sizes.train // min(TrainConfig().batch_size, sizes.train))
    count = -(-sizes.items // steps)
    triples = random_dataset(sizes).triples
    table = entity_rows(triples, n_items=sizes.items, n_entities=sizes.entities)
    rows = dense_rows(table, jnp.arange(count), n_columns=sizes.entities)
    rng = np.random.default_rng(0)
    guidance = jnp.asarray(rng.standard_normal((count, model.embedding.dim)), jnp.float32)
    timesteps = jnp.asarray(rng.integers(0, model.options.timesteps, count), jnp.int32)
    params = model.denoiser.init(jax.random.key(0), rows[:1], timesteps[:1], guidance[:1])["params"]
    noise = jnp.asarray(rng.standard_normal(rows.shape), jnp.float32)

    def loss_with(predict):
        def loss(params, rows, noise, timesteps, guidance):
            x_t = q_sample(model.schedule, rows, timesteps, noise)
            predicted = predict(params, x_t, timesteps, guidance)
            return elbo(rows, predicted, elbo_weights(model.schedule)[timesteps]).mean()

        return jax.jit(jax.value_and_grad(loss))

    def module(precision):
        denoiser = model.denoiser.clone(precision=precision)
        return lambda params, *inputs: denoiser.apply({"params": params}, *inputs)

    inputs = (params, rows, noise, timesteps, guidance)
    ours, rounded = (loss_with(module(precision)) for precision in ("float32", "bfloat16"))
    written = loss_with(_one_input)
    dropped = jax.jit(jax.value_and_grad(_trained(model)))
    key = jax.random.key(1)
    runs = {
        "ours": lambda: ours(*inputs),
        "ours, bfloat16 products": lambda: rounded(*inputs),
        "one concatenated input": lambda: written(*inputs),
        "ours, noise drawn and dropout": lambda: dropped(params, rows, timesteps, guidance, key),
    }
    work = denoiser_work(count, sizes.entities, model.denoiser.width)
    return Part(
        f"denoiser, value and gradient of the ELBO: {count} rows of {sizes.entities} entities, "
        f"width {model.denoiser.width}",
        [
            Case(name, run, name.startswith("one"), None if "bfloat16" in name else work)
            for name, run in runs.items()
        ],
        check=lambda: _check(ours(*inputs), written(*inputs), rounded(*inputs)),
    )


def denoiser_work(rows: int, entities: int, width: int) -> Work:
    """Of both directions: two wide products forward, three backward; x_t has no gradient."""
    product = 2.0 * rows * entities * width
    kernels = 2 * 4.0 * entities * width
    return Work(bytes=3 * kernels + 6 * 4.0 * rows * entities, operations=5 * product)


def _trained(model):
    def loss(params, rows, timesteps, guidance, key):
        noise_key, dropout_key = jax.random.split(key)
        x_t = q_sample(model.schedule, rows, timesteps, jax.random.normal(noise_key, rows.shape))
        predicted = model.denoiser.apply(
            {"params": params}, x_t, timesteps, guidance, train=True, rngs={"dropout": dropout_key}
        )
        return elbo(rows, predicted, elbo_weights(model.schedule)[timesteps]).mean()

    return loss


def _one_input(params, x_t, timesteps, guidance):
    step_kernel = params["from_step"]["kernel"]
    half = len(step_kernel) // 2
    angles = timesteps[:, None] * jnp.exp(-jnp.log(1e4) * jnp.arange(half) / half)[None]
    step = jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=1)
    step = jnp.pad(step, ((0, 0), (0, len(step_kernel) - 2 * half)))
    seen = jnp.concatenate([x_t, step, guidance], axis=1)
    kernels = [params[name]["kernel"] for name in ("from_row", "from_step", "from_guidance")]
    hidden = jnp.tanh(seen @ jnp.concatenate(kernels) + params["from_row"]["bias"][None])
    return hidden @ params["to_row"]["kernel"] + params["to_row"]["bias"][None]


def _check(ours, written, rounded):
    for a, b, c in zip(*map(jax.tree.leaves, (ours, written, rounded)), strict=True):
        largest = float(jnp.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * max(1.0, largest))
        np.testing.assert_allclose(c, b, rtol=0, atol=2e-2 * largest)
