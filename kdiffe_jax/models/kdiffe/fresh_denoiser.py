"""A denoiser trained alone: before the first epoch, or anew beside a trained encoder."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from kdiffe_jax.models.arrays import Batch, Inputs
from kdiffe_jax.models.kdiffe.elbo import elbo_term
from kdiffe_jax.models.kdiffe.modules import KDiffEModules
from kdiffe_jax.models.kdiffe.refresh import Rebuild
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE, map_row_blocks

UPDATES = 300
_HEAD_START_RATE = 1e-3
_LEAST_ROWS = 256


@partial(jax.jit, static_argnums=0)
def values_after_training(
    model: KDiffEModules,
    inputs: Inputs,
    guidance: jax.Array,
    rate: jax.Array,
    key: jax.Array,
    items: jax.Array,
    columns: jax.Array,
) -> jax.Array:
    """The values in some columns of items' rows, after the reverse process of a fresh denoiser.

    It is trained on the rows of `inputs` as the model's own is. No more than a block of dense rows
    exists at once.

    Args:
      model: its modules and options.
      inputs: constant structure, with the rows to learn from.
      guidance: f32[J, d], z~ of a trained encoder.
      rate: learning rate of the encoder.
      key: of initial weights, batches and noise.
      items: i32[n].
      columns: i32[n, A], those asked for.

    Returns:
      f32[n, A].
    """
    train_key, reverse_key = jax.random.split(key)
    fresh = trained_denoiser(model, inputs, guidance, rate, train_key, steps=UPDATES)
    rebuild = Rebuild(model, fresh, inputs, guidance, reverse_key)

    def of_block(places):
        return jnp.take_along_axis(rebuild.rows(items[places]), columns[places], axis=1)

    return map_row_blocks(of_block, len(items), ROWS_AT_ONCE)


def head_start(model: KDiffEModules, inputs: Inputs, guidance: jax.Array, key: jax.Array) -> Any:
    """The parameters of a denoiser after `denoiser_head_start` steps, before the first epoch.

    Its learning rate is `denoiser_rate` times 0.001, the default of the rest.

    Args:
      model, inputs, guidance, key: as in `values_after_training`.
    """
    steps = model.options.denoiser_head_start
    return trained_denoiser(model, inputs, guidance, _HEAD_START_RATE, key, steps=steps)


def rows_of_step(model: KDiffEModules) -> int:
    """Items whose rows a step of it takes: `denoiser_rows`, but no fewer than 256."""
    return min(model.sizes.n_items, max(model.options.denoiser_rows, _LEAST_ROWS))


def trained_denoiser(
    model: KDiffEModules,
    inputs: Inputs,
    guidance: jax.Array,
    rate: float | jax.Array,
    key: jax.Array,
    *,
    steps: int,
) -> Any:
    """The parameters of a denoiser after some steps of Adam with decoupled decay.

    Args:
      model, inputs, guidance, rate, key: as in `values_after_training`.
      steps: each on the rows of `rows_of_step` items.
    """
    options, denoiser = model.options, model.denoiser
    adam = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(options.denoiser_decay))
    n_rows = rows_of_step(model)
    parts = (denoiser, model.schedule, model.timestep_weights)

    def step(state, step_key):
        params, moments = state
        rows_key, loss_key = jax.random.split(step_key)
        batch = _batch(jax.random.randint(rows_key, (n_rows,), 0, model.sizes.n_items))

        def loss(params):
            return elbo_term(*parts, params, batch, inputs, guidance, loss_key).mean

        updates, moments = adam.update(jax.grad(loss)(params), moments, params)
        own = rate * options.denoiser_rate
        return (jax.tree.map(lambda p, u: p - own * u, params, updates), moments), None

    init_key, steps_key = jax.random.split(key)
    row, timestep = jnp.zeros((1, denoiser.n_columns)), jnp.zeros(1, jnp.int32)
    first = denoiser.init(init_key, row, timestep, guidance[:1])["params"]
    keys = jax.random.split(steps_key, steps)
    (params, _), _ = jax.lax.scan(step, (first, adam.init(first)), keys)
    return params


def _batch(items: jax.Array) -> Batch:
    """Rows of items, and no interactions."""
    nobody, nothing = jnp.zeros(0, jnp.int32), jnp.zeros(0)
    return Batch(nobody, nobody, nobody, nothing, items, jnp.ones(items.shape))
