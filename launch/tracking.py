"""The flags of trackers."""

from __future__ import annotations

from collections.abc import Callable

from absl import flags

from kdiffe_jax.parallel.processes import is_process_zero
from kdiffe_jax.trackers.named import NAMES, named_trackers
from kdiffe_jax.trackers.tracker import Tracker

FLAGS = NAMES


def define(values: flags.FlagValues) -> None:
    """Registers the flags of all trackers."""
    common = dict(flag_values=values)
    flags.DEFINE_bool(
        "tensorboard", False, "write every epoch below <workdir>/tensorboard as well", **common
    )
    flags.DEFINE_string("wandb", None, "log to this project of Weights & Biases as well", **common)
    flags.DEFINE_string("mlflow", None, "log to this experiment of MLflow as well", **common)


def wanted(values: flags.FlagValues) -> list[Callable[..., Tracker]]:
    """The trackers that the flags name; none but on process 0.

    Raises:
      ConfigError: the library of one is not installed.
    """
    if not is_process_zero():
        return []
    return named_trackers({name: values[name].value for name in FLAGS})
