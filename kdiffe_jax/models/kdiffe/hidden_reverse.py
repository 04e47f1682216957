"""The reverse process in the denoiser's hidden space: the same rows, far fewer operations.

A row enters the denoiser through one linear layer W_1 and leaves it through another, W_2.
The posterior mean (eq. 10) is linear in the prediction and in x_t, so what the hidden
layer sees of x_{t-1} follows from what it saw of x_t:

  h_t = x_t W_1,  y_t = tanh(h_t + context_t),
  h_{t-1} = a_t (y_t W_2 W_1 + b_2 W_1) + c_t h_t.

With P = W_2 W_1 made once, each of the T steps is one [n, width] x [width, width]
product; only the first and the last touch rows of C columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.kdiffe.denoiser import context
from kdiffe_jax.ops.diffusion import Schedule, posterior_weights
from kdiffe_jax.ops.precision import product


class HiddenDenoiser(NamedTuple):
    """A denoiser's parameters, and what the steps need of their products."""

    params: Mapping[str, Any]
    loop: jax.Array  #: f32[width, width], W_2 W_1
    offset: jax.Array  #: f32[width], b_2 W_1


def hidden_denoiser(params: Mapping[str, Any], precision: str = "float32") -> HiddenDenoiser:
    """Makes the products once, for all items.

    Args:
      params: of `Denoiser`.
      precision: of the product of both kernels.
    """
    enter, leave = params["from_row"], params["to_row"]
    loop = product(leave["kernel"], enter["kernel"], precision)
    return HiddenDenoiser(params, loop, leave["bias"] @ enter["kernel"])


def reverse_rows(
    denoiser: HiddenDenoiser,
    schedule: Schedule,
    x_last: jax.Array,
    guidance: jax.Array,
    precision: str = "float32",
) -> jax.Array:
    """Goes from x_T to x_0; equals `diffusion.reverse_process` with the denoiser.

    Args:
      denoiser: see `hidden_denoiser`.
      schedule: of T steps.
      x_last: f32[n, C], the start.
      guidance: f32[n, d], z~ of eq. 11.
      precision: of the products, that of the denoiser.

    Returns:
      f32[n, C].
    """
    params, n_steps = denoiser.params, schedule.betas.shape[0]
    of_start, of_noisy = posterior_weights(schedule)

    def active(hidden, t):
        timesteps = jnp.full(hidden.shape[0], t)
        return jnp.tanh(hidden + context(params, timesteps, guidance, precision))

    def step(hidden, t):
        predicted = product(active(hidden, t), denoiser.loop, precision) + denoiser.offset[None]
        return of_start[t] * predicted + of_noisy[t] * hidden, None

    hidden = product(x_last, params["from_row"]["kernel"], precision)
    hidden, _ = jax.lax.scan(step, hidden, jnp.arange(n_steps - 1, 0, -1))
    last = product(active(hidden, 0), params["to_row"]["kernel"], precision)
    return last + params["to_row"]["bias"][None]
