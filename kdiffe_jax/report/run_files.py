"""What a finished run left in its directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.errors import RunError, one_line
from kdiffe_jax.storage.run_directory import PER_USER, RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, read_model
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npz

Record = dict[str, Any]
_UNFINISHED = "holds no finished run; train it to its end first"
_NO_LOSS = ("epoch", "seconds", "cpu_seconds", "seed")


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
      name: of the directory.
      config: config.json.
      history: metrics.jsonl, one record an epoch; none of a model that is fitted, not trained.
      result: result.json.
      model: model.npz; None where the run has none.
      scored: i32[n], the users that the test split scored; None where it was left alone.
      environment: environment.json; empty of an older run.
    """

    name: str
    config: dict[str, Any]
    history: tuple[Record, ...]
    result: dict[str, Any]
    model: SavedModel | None
    scored: np.ndarray | None
    environment: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def model_name(self) -> str:
        """What was trained or fitted, as `models.registry` knows it."""
        return self.config["model"]

    @property
    def shown_name(self) -> str:
        """The same, with what stands in for features."""
        return self.result.get("shown_as", self.model_name)

    def histories(self) -> dict[str, tuple[list[Record], int]]:
        """The records of each seed and its best epoch; of a single run under the name ""."""
        if not self.history:
            return {}
        found = histories_of(self.history, self.result)
        return {"" if seed is None else f"seed {seed}": own for seed, own in found.items()}


def read_run(run_dir: str | Path) -> RunFiles:
    """Reads a run directory.

    Raises:
      RunError: no such directory, no finished training in it, or a damaged file.
    """
    directory, result = Path(run_dir).resolve(), read_result(run_dir)
    run = RunDirectory(directory)
    config = run.config()
    if config is None:
        raise RunError(f"{run_dir}: {_UNFINISHED}")
    if "model" not in config:
        raise RunError(f"{run_dir}: config.json names no model; train it again")
    return RunFiles(
        name=directory.name,
        config=config,
        history=tuple(read_history(directory)),
        result=result,
        model=read_model(directory) if (directory / MODEL).is_file() else None,
        scored=_scored(directory / PER_USER),
        environment=run.environment() or {},
    )


def read_result(run_dir: str | Path) -> dict[str, Any]:
    """What result.json of a run holds.

    Raises:
      RunError: no such directory, no finished training in it, or a damaged file.
    """
    directory = Path(run_dir).resolve()
    if not directory.is_dir():
        raise RunError(f"{run_dir}: no such run directory; train one with python -m launch.main")
    result = RunDirectory(directory).result()
    if result is None:
        raise RunError(f"{run_dir}: {_UNFINISHED}")
    return result


def read_history(run_dir: Path) -> list[Record]:
    """The epochs of a run so far, finished or not: the records of metrics.jsonl.

    Raises:
      RunError: it is damaged.
    """
    return RunDirectory(run_dir).history()


def histories_of(
    history: Sequence[Record], result: Mapping[str, Any]
) -> dict[int | None, tuple[list[Record], int]]:
    """Seed -> its records and its best epoch; of a run of one seed under None.

    Args:
      history: of `read_history`.
      result: what result.json holds.
    """
    if "seeds" not in result:
        return {None: (list(history), result["best_epoch"])}
    records = [own for record in history for own in record["seeds"]]
    return {
        found["seed"]: (
            [own for own in records if own["seed"] == found["seed"]],
            found["best_epoch"],
        )
        for found in result["seeds"]
    }


def losses_of(record: Record) -> dict[str, float]:
    """The loss terms of an epoch, by the names that the model gives them.

    >>> losses_of({"epoch": 3, "seconds": 0.5, "bpr": 0.6, "valid": {"recall@20": 0.1}})
    {'bpr': 0.6}
    """
    return {
        name: value
        for name, value in record.items()
        if name not in _NO_LOSS and not isinstance(value, dict | list)
    }


def _scored(file: Path) -> np.ndarray | None:
    if not file.is_file():
        return None
    try:
        return read_npz(file)["users"]
    except DAMAGED as error:
        raise RunError(f"{file}: damaged ({one_line(error)})") from error
