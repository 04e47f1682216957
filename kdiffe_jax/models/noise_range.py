"""The range of a linear noise schedule."""

from __future__ import annotations

from kdiffe_jax.errors import ConfigError


def check_noise_range(noise_scale: float, noise_min: float, noise_max: float) -> None:
    """Refuses variances that fall, or reach 1.

    Args:
      noise_scale: of both bounds.
      noise_min, noise_max: variance of the noise at the first and at the last step.

    Raises:
      ConfigError: names both bounds.
    """
    if not noise_scale * noise_min <= noise_scale * noise_max < 1:
        raise ConfigError(
            f"noise_min = {noise_min}, noise_max = {noise_max}: the variance, scaled by "
            f"{noise_scale}, must not fall and must stay below 1"
        )
