"""Which configurations one compiled program can train: those that differ in traced values alone."""

from __future__ import annotations

from typing import Any

from kdiffe_jax.config import Config

CONTINUOUS = (
    "xi",
    "temperature",
    "softmax_temperature",
    "theta_1",
    "theta_2",
    "learning_rate",
)


def shape_of(config: Config) -> tuple[Any, ...]:
    """What configurations of one program have in common: all but the continuous values.

    >>> shape_of(Config()) == shape_of(Config.from_flat({"xi": 0.1, "theta_1": 1.0}))
    True
    >>> shape_of(Config()) == shape_of(Config.from_flat({"theta_1": 0.0}))
    False
    """
    flat = config.to_flat()
    fixed = tuple(value for name, value in flat.items() if name not in CONTINUOUS)
    return (*fixed, config.train.theta_1 > 0)
