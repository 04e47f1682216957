"""What all systems have alike, and a model's configuration with it."""

from __future__ import annotations

from typing import NamedTuple

from kdiffe_jax.config import Config
from kdiffe_jax.models.registry import make_config, preset


class Settings(NamedTuple):
    """The same for every system."""

    dim: int
    batch_size: int
    learning_rate: float  #: of models that are trained here and in torch
    epochs: int
    patience: int
    seed: int
    threads: int  #: of torch and of implicit
    clock: str = "cpu"  #: of `curves.CLOCKS`


def config_of(name: str, settings: Settings) -> Config:
    """A model with one of its presets but for what all have alike.

    Args:
      name: of a model; after a colon that of a preset, "paper" if there is none.
      settings: of all.

    Raises:
      ConfigError: there is no such model or preset, or a value is out of its range.
    """
    model, _, of = name.partition(":")
    values = {"model": model} | dict(preset(of or "paper", model)) | settings._asdict()
    del values["threads"], values["clock"]
    return make_config(values)
