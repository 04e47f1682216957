"""Trackers by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import closest
from kdiffe_jax.trackers import mlflow, tensorboard, weights_and_biases
from kdiffe_jax.trackers.tracker import Tracker

NAMES = ("tensorboard", "wandb", "mlflow")


def named_trackers(wanted: Mapping[str, Any]) -> list[Callable[..., Tracker]]:
    """Trackers to be called with run directory, configuration and name of a run.

    Args:
      wanted: "tensorboard": True; "wandb": a project; "mlflow": an experiment. What is false or
        None is not wanted.

    Raises:
      ConfigError: there is no tracker of that name, or its library is not installed.
    """
    for name in wanted:
        if name not in NAMES:
            near = closest(name, NAMES)
            raise ConfigError(f"no tracker {name!r}; there are {', '.join(NAMES)}{near}")
    found: list[Callable[..., Tracker]] = []
    if wanted.get("tensorboard"):
        tensorboard.library()
        found.append(tensorboard.TensorBoard)
    if project := wanted.get("wandb"):
        weights_and_biases.library()
        found.append(partial(weights_and_biases.WeightsAndBiases, project=project))
    if experiment := wanted.get("mlflow"):
        mlflow.library()
        found.append(partial(mlflow.Mlflow, experiment=experiment))
    return found


def name_of_run(run_dir: Path) -> str:
    """What a run is called elsewhere: its path below `runs/`, or its directory's name.

    >>> name_of_run(Path("runs/tiktok-kdiffe-ablation/full/seed0")), name_of_run(Path("/data/mine"))
    ('tiktok-kdiffe-ablation/full/seed0', 'mine')
    """
    *above, last = run_dir.resolve().parts
    return "/".join([*above[above.index("runs") + 1 :], last]) if "runs" in above else last
