"""A denoiser of rows of 0 and 1, such as a node's neighbours, that DiffKG and DiffMM share.

  x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise
  hidden = tanh(drop(x_t or x_t / |x_t|) W + (embedding(t) W_1 + b_1) W_2 + b)
  prediction of x_0 = hidden V + c
  ELBO = weight_t mean over columns of (x_0 - prediction)^2

Weights are differences of the signal-to-noise ratio, made on the host in float64.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.arrays import Params
from kdiffe_jax.models.noise_range import check_noise_range
from kdiffe_jax.ops.diffusion import Schedule, linear_variances, q_sample, step_embedding
from kdiffe_jax.ops.losses import elbo
from kdiffe_jax.ops.random_bits import for_tables
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.options import Checked, option

_BIAS_SCALE = 1e-3


@dataclasses.dataclass(frozen=True)
class RowDenoiserOptions(Checked):
    """Defaults of both authors' programs."""

    timesteps: int = option(5, "T: diffusion steps", low=1)
    noise_scale: float = option(0.1, "scale of both ends of the noise", above=0.0)
    noise_min: float = option(1e-4, "variance at t = 1 before scaling", above=0.0, high=1.0)
    noise_max: float = option(0.02, "variance at t = T before scaling", above=0.0, high=1.0)
    denoiser_width: int = option(1000, "hidden units of a denoiser", low=1)
    denoiser_dropout: float = option(0.5, "dropout on a denoiser's noisy row", low=0.0, high=0.99)
    denoiser_rows: int = option(
        1, "rows that a step denoises, at least; 1: each row once an epoch", low=1
    )
    step_embedding_size: int = option(10, "size of the sinusoidal step embedding", low=2)

    def __post_init__(self):
        super().__post_init__()
        check_noise_range(self.noise_scale, self.noise_min, self.noise_max)


class RowDraws(NamedTuple):
    """What is drawn for some rows in a step."""

    timesteps: jax.Array  #: i32[n]
    noise: jax.Array  #: f32[n, C]
    kept: jax.Array  #: bool[n, C], what dropout leaves


class Denoised(NamedTuple):
    """A step's prediction of some rows, and its loss."""

    rows: jax.Array  #: f32[n, C]
    elbo: jax.Array  #: f32[n]


class ReverseWeights(NamedTuple):
    """What the posterior mean takes of the prediction and of x_t, f32[T]; 1 and 0 at t = 0."""

    of_start: jax.Array
    of_noisy: jax.Array


@dataclasses.dataclass(frozen=True)
class RowDenoiser:
    """The denoiser of rows whose columns come in named blocks; parameters are arguments.

    Attributes:
      options: of noise and sizes.
      columns: (name, size) of each block, C columns in all.
      of_unit_rows: whether x_t is scaled to length 1 first.
    """

    options: RowDenoiserOptions
    columns: tuple[tuple[str, int], ...]
    of_unit_rows: bool

    @property
    def n_columns(self) -> int:
        """C."""
        return sum(size for _, size in self.columns)

    def init(self, key: jax.Array) -> Params:
        """Kernels from Xavier's normal distribution, which jax cuts off, and biases near 0."""
        width, step = self.options.denoiser_width, self.options.step_embedding_size
        row_key, out_key, step_key, bias_key = jax.random.split(key, 4)
        enter = _kernel(row_key, self.n_columns + step, width)
        leave = _kernel(out_key, width, self.n_columns)
        inner, own, *outer = jax.random.split(bias_key, 2 + len(self.columns))
        ends = np.cumsum([size for _, size in self.columns])
        *entering, from_step = jnp.split(enter, ends)
        parts = zip(self.columns, jnp.split(leave, ends[:-1], axis=1), outer, strict=True)
        return {
            "from_row": {
                name: part for (name, _), part in zip(self.columns, entering, strict=True)
            },
            "from_step": from_step,
            "bias": _bias(inner, width),
            "step": {"kernel": _kernel(step_key, step, step), "bias": _bias(own, step)},
            "to_row": {
                name: {"kernel": part, "bias": _bias(of_bias, size)}
                for (name, size), part, of_bias in parts
            },
        }

    def draws(self, key: jax.Array, n: int) -> RowDraws:
        """Steps, noise and dropout of n rows."""
        time_key, *table_keys = jax.random.split(key, 3)
        noise_key, dropout_key = map(for_tables, table_keys)
        shape, stay = (n, self.n_columns), 1.0 - self.options.denoiser_dropout
        return RowDraws(
            jax.random.randint(time_key, (n,), 0, self.options.timesteps),
            jax.random.normal(noise_key, shape),
            jax.random.bernoulli(dropout_key, stay, shape),
        )

    def denoised(self, params: Params, rows: jax.Array, drawn: RowDraws) -> Denoised:
        """The prediction of rows f32[n, C] from their noisy form, and its ELBO."""
        x_t = q_sample(self._schedule, rows, drawn.timesteps, drawn.noise)
        found = self.predict(params, x_t, drawn.timesteps, drawn.kept)
        return Denoised(found, elbo(rows, found, self.elbo_weights()[drawn.timesteps]))

    def predict(
        self,
        params: Params,
        x_t: jax.Array,
        timesteps: jax.Array,
        kept: jax.Array | None = None,
    ) -> jax.Array:
        """The prediction of x_0.

        Args:
          params: of `init`.
          x_t: f32[n, C].
          timesteps: i32[n], 0-based.
          kept: bool[n, C], what dropout leaves; None: no dropout.

        Returns:
          f32[n, C].
        """
        rows = unit_rows(x_t) if self.of_unit_rows else x_t
        if kept is not None:
            rows = jnp.where(kept, rows / (1.0 - self.options.denoiser_dropout), 0.0)
        ends = np.cumsum([size for _, size in self.columns])[:-1]
        parts = zip(self.columns, jnp.split(rows, ends, axis=1), strict=True)
        entered = sum(part @ params["from_row"][name] for (name, _), part in parts)
        return self.leave(params, jnp.tanh(entered + self.context(params)[timesteps]))

    def leave(self, params: Params, hidden: jax.Array) -> jax.Array:
        """f32[n, C]: hidden f32[n, width] through the last layer."""
        layers = [params["to_row"][name] for name, _ in self.columns]
        parts = [hidden @ layer["kernel"] + layer["bias"][None] for layer in layers]
        return jnp.concatenate(parts, axis=1)

    def context(self, params: Params) -> jax.Array:
        """f32[T, width]: what the hidden layer sees beside the row."""
        steps = jnp.arange(self.options.timesteps)
        embedded = step_embedding(steps, self.options.step_embedding_size)
        seen = embedded @ params["step"]["kernel"] + params["step"]["bias"][None]
        return seen @ params["from_step"] + params["bias"][None]

    def elbo_weights(self) -> jax.Array:
        """f32[T]: differences of the signal-to-noise ratio, 1 at t = 0."""
        kept = self._exact.alpha_bar
        ratio = kept / (1.0 - kept)
        return jnp.asarray(np.concatenate([[1.0], ratio[:-1] - ratio[1:]]), float)

    def reverse_weights(self) -> ReverseWeights:
        """Of the reverse process, which goes by posterior means."""
        beta, now, before = self._exact
        of_start = np.sqrt(before) * beta / (1.0 - now)
        of_noisy = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - now)
        of_start[0], of_noisy[0] = 1.0, 0.0
        return ReverseWeights(jnp.asarray(of_start, float), jnp.asarray(of_noisy, float))

    @property
    def _exact(self):
        options = self.options
        return linear_variances(
            options.timesteps,
            noise_scale=options.noise_scale,
            noise_min=options.noise_min,
            noise_max=options.noise_max,
        )

    @property
    def _schedule(self) -> Schedule:
        return Schedule(*(jnp.asarray(values, float) for values in self._exact))


def _kernel(key: jax.Array, n_in: int, n_out: int) -> jax.Array:
    return jax.nn.initializers.xavier_normal()(key, (n_in, n_out))


def _bias(key: jax.Array, size: int) -> jax.Array:
    return _BIAS_SCALE * jax.random.normal(key, (size,))
