"""Gaussian diffusion over rows, such as those of eq. 8-12. Timesteps are 0-based: t = 0..T-1."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# The released code fixes the first beta, which keeps SNR(0) finite on tiny schedules.
_FIRST_BETA = 1e-4
_LAST_BETA = 0.999
_COSINE_OFFSET = 0.008
_LEAST_ALPHA_BAR = 1e-4


class Schedule(NamedTuple):
    """Constants of the diffusion, each f32[T]; alpha_bar is the product of 1 - beta (eq. 8)."""

    betas: jax.Array
    alpha_bar: jax.Array
    alpha_bar_before: jax.Array  #: alpha_bar at t - 1; 1 at t = 0


class ExactSchedule(NamedTuple):
    """A `Schedule` of the host, each float64[T]."""

    betas: np.ndarray
    alpha_bar: np.ndarray
    alpha_bar_before: np.ndarray


def linear_variance_schedule(
    timesteps: int, *, noise_scale: float, noise_min: float, noise_max: float
) -> Schedule:
    """Betas for which 1 - alpha_bar_t grows linearly in t; arguments as of `linear_variances`."""
    exact = linear_variances(
        timesteps, noise_scale=noise_scale, noise_min=noise_min, noise_max=noise_max
    )
    return Schedule(*(jnp.asarray(a, jnp.float32) for a in exact))


def linear_variances(
    timesteps: int, *, noise_scale: float, noise_min: float, noise_max: float
) -> ExactSchedule:
    """The same on the host in float64.

    1 - alpha_bar runs from noise_scale * noise_min to noise_scale * noise_max; the
    first beta is then set to 1e-4, as in the released code.

    Args:
      timesteps: T, at least 1.
      noise_scale, noise_min, noise_max: the ends are their products.

    Raises:
      ValueError: T < 1, or ends that are not 0 < start <= end < 1.
    """
    start, end = noise_scale * noise_min, noise_scale * noise_max
    if timesteps < 1 or not 0 < start <= end < 1:
        raise ValueError(
            f"T = {timesteps}, variance {start} .. {end}: needs T >= 1 and 0 < start <= end < 1"
        )
    kept = 1.0 - np.linspace(start, end, timesteps, dtype=np.float64)
    betas = np.minimum(1.0 - kept / np.concatenate([[1.0], kept[:-1]]), _LAST_BETA)
    betas[0] = _FIRST_BETA
    alpha_bar = np.cumprod(1.0 - betas)
    before = np.concatenate([[1.0], alpha_bar[:-1]])
    return ExactSchedule(betas, alpha_bar, before)


def cosine_schedule(timesteps: int) -> Schedule:
    """alpha_bar_t = cos^2 of a line that goes to a right angle: x_T is noise alone.

    Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", eq. 17, with
    their offset of 0.008; the last alpha_bar is kept at 1e-4 or above.

    Args:
      timesteps: T, at least 1.

    >>> [round(float(kept), 3) for kept in cosine_schedule(4).alpha_bar]
    [0.847, 0.494, 0.144, 0.0]
    """
    angles = (np.arange(timesteps + 1) / timesteps + _COSINE_OFFSET) / (1 + _COSINE_OFFSET)
    kept = np.cos(angles * np.pi / 2) ** 2
    alpha_bar = np.maximum(kept[1:] / kept[0], _LEAST_ALPHA_BAR)
    before = np.concatenate([[1.0], alpha_bar[:-1]])
    parts = (1 - alpha_bar / before, alpha_bar, before)
    return Schedule(*(jnp.asarray(part, jnp.float32) for part in parts))


def step_embedding(timesteps: jax.Array, size: int) -> jax.Array:
    """Sinusoidal embedding of diffusion steps.

    Args:
      timesteps: i32[n].
      size: width; an odd width ends in a zero column.

    Returns:
      f32[n, size], cosines then sines.

    >>> step_embedding(jnp.array([0]), 4).tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    """
    half = size // 2
    frequencies = jnp.exp(-jnp.log(10_000.0) * jnp.arange(half) / half)
    angles = timesteps[:, None].astype(float) * frequencies[None]
    embedding = jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=-1)
    return jnp.pad(embedding, ((0, 0), (0, size - 2 * half)))


def q_sample(schedule: Schedule, x_start: jax.Array, timesteps: jax.Array, noise: jax.Array):
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise (eq. 8).

    Args:
      x_start, noise: f32[n, C].
      timesteps: i32[n].
    """
    kept = schedule.alpha_bar[timesteps][:, None]
    return jnp.sqrt(kept) * x_start + jnp.sqrt(1.0 - kept) * noise


def posterior_mean(schedule: Schedule, x_start: jax.Array, x_t: jax.Array, timesteps: jax.Array):
    """Mean of q(x_{t-1} | x_t, x_0), with the predicted x_0 in place of x_0 (eq. 10, 12).

    Eq. 12 writes the same mean through the noise; with x_0 predicted it is
    sqrt(alpha_bar_{t-1}) beta_t / (1 - alpha_bar_t) x_0
    + sqrt(1 - beta_t) (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t) x_t. At t = 0 it is x_0.

    Args:
      x_start, x_t: f32[n, C].
      timesteps: i32[n].
    """
    of_start, of_noisy = (weight[timesteps][:, None] for weight in posterior_weights(schedule))
    return of_start * x_start + of_noisy * x_t


def posterior_weights(schedule: Schedule) -> tuple[jax.Array, jax.Array]:
    """Weights of x_0 and x_t in `posterior_mean`, each f32[T]; 1 and 0 at t = 0."""
    beta, now, before = schedule
    of_start = jnp.sqrt(before) * beta / (1.0 - now)
    of_noisy = jnp.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - now)
    # 1 - alpha_bar_0 and beta_0 are one number, rounded twice.
    return of_start.at[0].set(1.0), of_noisy.at[0].set(0.0)


def mean_from_noise(schedule: Schedule, x_t: jax.Array, noise: jax.Array, timesteps: jax.Array):
    """Eq. 12 as printed: 1/sqrt(1 - beta_t) (x_t - beta_t / sqrt(1 - alpha_bar_t) noise).

    The paper prints alpha_bar under the first root; with it the mean is not that of
    q(x_{t-1} | x_t, x_0). Tests hold this against `posterior_mean`.
    """
    beta = schedule.betas[timesteps][:, None]
    now = schedule.alpha_bar[timesteps][:, None]
    return (x_t - beta / jnp.sqrt(1.0 - now) * noise) / jnp.sqrt(1.0 - beta)


def elbo_weights(schedule: Schedule) -> jax.Array:
    """Weight of `|x_0 - prediction|^2` at each t: SNR(t-1) - SNR(t), and 1 at t = 0.

    SNR(t) = alpha_bar_t / (1 - alpha_bar_t); the weight turns the squared error into
    the t-th term of the evidence lower bound. Ratios of float32 leave a relative error of up to
    1e-7 T over the variance at T, and of some 1e-4 from the first beta.

    Returns:
      f32[T].
    """
    ratio = schedule.alpha_bar / (1.0 - schedule.alpha_bar)
    return jnp.concatenate([jnp.ones(1), ratio[:-1] - ratio[1:]])


def reverse_process(
    predict: Callable[[jax.Array, jax.Array], jax.Array], schedule: Schedule, x_last: jax.Array
) -> jax.Array:
    """Goes from x_T to x_0 by the posterior means, T predictions in all (eq. 10).

    The variance of each step is left out, as in DiffRec and the released code: the
    rows are ranked, not sampled.

    Args:
      predict: (x_t f32[n, C], t i32[n]) -> prediction of x_0.
      schedule: of T steps.
      x_last: f32[n, C], the start.

    Returns:
      f32[n, C].
    """
    n_steps = schedule.betas.shape[0]

    def step(x_t, t):
        timesteps = jnp.full(x_t.shape[0], t)
        return posterior_mean(schedule, predict(x_t, timesteps), x_t, timesteps), None

    x_start, _ = jax.lax.scan(step, x_last, jnp.arange(n_steps - 1, -1, -1))
    return x_start


def reverse_from(start: str, schedule: Schedule, rows: jax.Array, noise: jax.Array) -> jax.Array:
    """Where the reverse process begins.

    Args:
      start: "noise" (the paper: x_T is pure Gaussian noise), "diffused" (x_T drawn from
        the row by eq. 8), or "x_start" (the row itself, as in the released code).
      schedule: of T steps.
      rows, noise: f32[n, C].

    Raises:
      ValueError: an unknown `start`.
    """
    if start == "noise":
        return noise
    if start == "diffused":
        last = jnp.full(rows.shape[0], schedule.betas.shape[0] - 1)
        return q_sample(schedule, rows, last, noise)
    if start == "x_start":
        return rows
    raise ValueError(f"start={start!r}: expected 'noise', 'diffused' or 'x_start'")
