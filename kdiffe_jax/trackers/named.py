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
_NEEDS_A_NAME = {"wandb": "a project", "mlflow": "an experiment"}


def named_trackers(wanted: Mapping[str, Any]) -> list[Callable[..., Tracker]]:
    """Trackers to be called with run directory, configuration and name of a run.

    Args:
      wanted: "tensorboard": True; "wandb": a project; "mlflow": an experiment. What is false or
        None is not wanted.

    Raises:
      ConfigError: no dictionary, no tracker of that name, no name of a project or experiment, or
        a library is not installed.
    """
    _check(wanted)
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


def _check(wanted: Mapping[str, Any]) -> None:
    if not isinstance(wanted, Mapping):
        raise ConfigError(
            f"log_to = {wanted!r}: give a dictionary, such as {{'tensorboard': True}}"
        )
    for name, given in wanted.items():
        if name not in NAMES:
            near = closest(str(name), NAMES)
            raise ConfigError(f"no tracker {name!r}; there are {', '.join(NAMES)}{near}")
        if given and name in _NEEDS_A_NAME and not isinstance(given, str):
            raise ConfigError(f"log_to: {name} = {given!r}: give the name of {_NEEDS_A_NAME[name]}")


def name_of_run(run_dir: Path) -> str:
    """What a run is called elsewhere: its path below `runs/`, or its directory's name.

    >>> name_of_run(Path("runs/tiktok-kdiffe-ablation/full/seed0")), name_of_run(Path("/data/mine"))
    ('tiktok-kdiffe-ablation/full/seed0', 'mine')
    """
    *above, last = run_dir.resolve().parts
    return "/".join([*above[above.index("runs") + 1 :], last]) if "runs" in above else last
