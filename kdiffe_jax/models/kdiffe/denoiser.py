"""The conditioned denoiser: predicts x_0 from (x_t, t, z~) (eq. 10-12)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax

from kdiffe_jax.ops.diffusion import step_embedding
from kdiffe_jax.ops.precision import dot_general_of, product


def context(
    params: Mapping[str, Any],
    timesteps: jax.Array,
    guidance: jax.Array,
    precision: str = "float32",
) -> jax.Array:
    """What the hidden layer sees besides the row: bias, step and guidance, f32[n, width].

    Args:
      params: of `Denoiser`.
      timesteps: i32[n], 0-based.
      guidance: f32[n, d], z~ of eq. 11; left out by an unguided denoiser.
      precision: of the products.
    """
    from_step = params["from_step"]["kernel"]
    steps = step_embedding(timesteps, len(from_step))
    seen = params["from_row"]["bias"][None] + product(steps, from_step, precision)
    if "from_guidance" in params:
        seen += product(guidance, params["from_guidance"]["kernel"], precision)
    return seen


class Denoiser(nn.Module):
    """MLP over [x_t, step embedding, z~] with one hidden tanh layer.

    Attributes:
      n_columns: C, width of a row; E where each entity has a column of its own.
      width: hidden units.
      step_size: width of the step embedding.
      dropout: rate on x_t, while training.
      guided: whether z~ enters; False is the variant KDiffE_2.
      guidance_dropout: rate on z~, while training.
      from_zero: whether an untrained one predicts rows of zeros, or of random numbers.
      precision: of the matrix products; parameters and results are float32 either way.
    """

    n_columns: int
    width: int
    step_size: int
    dropout: float
    guided: bool
    guidance_dropout: float = 0.0
    from_zero: bool = False
    precision: str = "float32"

    @nn.compact
    def __call__(
        self,
        x_t: jax.Array,
        timesteps: jax.Array,
        guidance: jax.Array,
        *,
        train: bool = False,
    ) -> jax.Array:
        """The prediction of x_0.

        Args:
          x_t: f32[n, C].
          timesteps: i32[n], 0-based.
          guidance: f32[n, d], z~ of eq. 11.
          train: applies dropout, which needs the rng "dropout".

        Returns:
          f32[n, C].
        """
        dense = partial(nn.Dense, dot_general=dot_general_of(self.precision))
        step = step_embedding(timesteps, self.step_size)
        hidden = nn.Dropout(self.dropout, deterministic=not train)(x_t)
        hidden = dense(self.width, name="from_row")(hidden)
        hidden += dense(self.width, use_bias=False, name="from_step")(step)
        if self.guided:
            guidance = nn.Dropout(self.guidance_dropout, deterministic=not train)(guidance)
            hidden += dense(self.width, use_bias=False, name="from_guidance")(guidance)
        start = nn.initializers.zeros if self.from_zero else nn.linear.default_kernel_init
        return dense(self.n_columns, kernel_init=start, name="to_row")(nn.tanh(hidden))
