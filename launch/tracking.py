"""Which trackers a command line names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from absl import flags

from kdiffe_jax.parallel.processes import is_process_zero
from kdiffe_jax.trackers import mlflow, tensorboard, weights_and_biases
from kdiffe_jax.trackers.tracker import Tracker

FLAGS = ("tensorboard", "wandb", "mlflow")


def define(values: flags.FlagValues) -> None:
    """Registers the flags of all trackers."""
    common = dict(flag_values=values)
    flags.DEFINE_bool(
        "tensorboard", False, "write every epoch below <workdir>/tensorboard as well", **common
    )
    flags.DEFINE_string("wandb", None, "log to this project of Weights & Biases as well", **common)
    flags.DEFINE_string("mlflow", None, "log to this experiment of MLflow as well", **common)


def wanted(values: flags.FlagValues) -> list[Callable[..., Tracker]]:
    """The trackers that the flags name, to be called with run directory, configuration and name.

    Raises:
      ConfigError: the library of one is not installed.
    """
    found: list[tuple[Callable, Callable[..., Tracker]]] = []
    if values.tensorboard:
        found.append((tensorboard.library, tensorboard.TensorBoard))
    if values.wandb:
        project = partial(weights_and_biases.WeightsAndBiases, project=values.wandb)
        found.append((weights_and_biases.library, project))
    if values.mlflow:
        experiment = partial(mlflow.Mlflow, experiment=values.mlflow)
        found.append((mlflow.library, experiment))
    if not is_process_zero():
        return []
    for library, _ in found:
        library()
    return [tracker for _, tracker in found]


def name_of(run_dir: Path) -> str:
    """What a run is called elsewhere: its path below `runs/`, or its directory's name.

    >>> name_of(Path("runs/tiktok-kdiffe-ablation/full/seed0")), name_of(Path("/data/mine"))
    ('tiktok-kdiffe-ablation/full/seed0', 'mine')
    """
    *above, last = run_dir.resolve().parts
    return "/".join([*above[above.index("runs") + 1 :], last]) if "runs" in above else last
