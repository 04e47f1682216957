"""The guided denoiser's loss over a batch of items' rows (eq. 8-12)."""

from __future__ import annotations

import jax

from kdiffe_jax.models.arrays import Batch, Inputs, Term
from kdiffe_jax.models.kdiffe.denoiser import Denoiser
from kdiffe_jax.models.kdiffe.rebuild import dense_rows
from kdiffe_jax.models.terms import weighted_term
from kdiffe_jax.ops.diffusion import Schedule, q_sample
from kdiffe_jax.ops.losses import elbo
from kdiffe_jax.ops.random_bits import for_tables
from kdiffe_jax.ops.trace_phases import device_phase


@device_phase("denoiser")
def elbo_term(
    denoiser: Denoiser,
    schedule: Schedule,
    weights: jax.Array,
    params,
    batch: Batch,
    inputs: Inputs,
    guidance: jax.Array,
    key: jax.Array,
) -> Term:
    """The weighted squared error of the predicted rows at timesteps drawn for each.

    Args:
      denoiser, schedule: modules and constants.
      weights: f32[T], of the timesteps.
      params: of the denoiser.
      batch: `row_nodes` are the items.
      inputs: their rows.
      guidance: f32[J, d], z~ (eq. 11).
      key: of timesteps, noise and dropout.
    """
    time_key, *table_keys = jax.random.split(key, 3)
    noise_key, dropout_key = map(for_tables, table_keys)
    rows = dense_rows(inputs.own.rows, batch.row_nodes, n_columns=denoiser.n_columns)
    n_steps = schedule.betas.shape[0]
    timesteps = jax.random.randint(time_key, batch.row_nodes.shape, 0, n_steps)
    x_t = q_sample(schedule, rows, timesteps, jax.random.normal(noise_key, rows.shape))
    prediction = denoiser.apply(
        {"params": params},
        x_t,
        timesteps,
        guidance[batch.row_nodes],
        train=True,
        rngs={"dropout": dropout_key},
    )
    return weighted_term(elbo(rows, prediction, weights[timesteps]), batch.row_weights)
