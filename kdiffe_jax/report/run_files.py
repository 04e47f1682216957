"""What a finished run left in its directory."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.errors import RunError
from kdiffe_jax.saved_model import MODEL, SavedModel, read_model
from kdiffe_jax.stored_arrays import DAMAGED, read_npz
from kdiffe_jax.training.run_directory import METRICS, PER_USER, RunDirectory

Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
      name: of the directory.
      config: config.json.
      history: metrics.jsonl, one record an epoch.
      result: result.json.
      model: model.npz; None where the run has none.
      scored: i32[n], the users that the test split scored; None where it was left alone.
    """

    name: str
    config: dict[str, Any]
    history: tuple[Record, ...]
    result: dict[str, Any]
    model: SavedModel | None
    scored: np.ndarray | None

    def courses(self) -> dict[str, tuple[list[Record], int]]:
        """The records of each model that was trained, and its best epoch, by what it is called."""
        if "members" not in self.result:
            return {"": (list(self.history), self.result["best_epoch"])}
        trained = [own for record in self.history for own in record["members"]]
        return {
            f"seed {member['seed']}": (
                [own for own in trained if own["seed"] == member["seed"]],
                member["best_epoch"],
            )
            for member in self.result["members"]
        }


def read_run(run_dir: str | Path) -> RunFiles:
    """Reads a run directory.

    Raises:
      RunError: no such directory, no finished training in it, or a damaged file.
    """
    directory = Path(run_dir).resolve()
    if not directory.is_dir():
        raise RunError(f"{run_dir}: no such run directory; train one with python -m launch.main")
    run = RunDirectory(directory)
    config, result = run.config(), run.result()
    if config is None or result is None:
        raise RunError(f"{run_dir}: holds no finished run; train it to its end first")
    if "best_epoch" not in result:
        raise RunError(f"{run_dir}: holds no single training; name one that launch.main made")
    return RunFiles(
        name=directory.name,
        config=config,
        history=tuple(read_history(directory)),
        result=result,
        model=read_model(directory) if (directory / MODEL).is_file() else None,
        scored=_scored(directory / PER_USER),
    )


def read_history(run_dir: Path) -> list[Record]:
    """The records of metrics.jsonl.

    Raises:
      RunError: it is missing or damaged.
    """
    file = run_dir / METRICS
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: not readable: {error}") from error


def _scored(file: Path) -> np.ndarray | None:
    if not file.is_file():
        return None
    try:
        return read_npz(file)["users"]
    except DAMAGED as error:
        raise RunError(f"{file}: damaged ({error})") from error
