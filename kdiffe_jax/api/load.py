"""`load`: what `save` wrote, or any finished run -> a model to use."""

from __future__ import annotations

from pathlib import Path

from kdiffe_jax.api.fitted import FittedModel


def load(directory: str | Path) -> FittedModel:
    """The model of a directory, in any process; its data come with it where they were saved.

    Raises:
      RunError: no model there, or a damaged one.
      ConfigError: no path.
    """
    return FittedModel.load(directory)
