"""Weights & Biases: a run of a project, found again by an id in the run directory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.trackers.run_ids import read_id, write_id
from kdiffe_jax.trackers.tracker import Tracker

IDS = "wandb.json"


def library() -> Any:
    """The module wandb.

    Raises:
      ConfigError: it is not installed.
    """
    try:
        import wandb
    except ImportError as error:
        raise ConfigError("--wandb needs wandb: pip install 'kdiffe_jax[wandb]'") from error
    return wandb


class WeightsAndBiases(Tracker):
    """Logs to a project of Weights & Biases.

    Args:
      run_dir, config, name: as of `Tracker`; its own files lie in `wandb/` of the run directory.
      project: is made where there is none.
    """

    def __init__(self, run_dir: str | Path, config: Mapping[str, Any], name: str, *, project: str):
        super().__init__(run_dir, config, name)
        self._library, self._project = library(), project

    def open(self) -> None:
        """Begins the run, or goes on with the one of that id.

        Raises:
          RunError: Weights & Biases refuses it.
        """
        run_id = read_id(self.run_dir, IDS, self._project)
        if run_id is None:
            run_id = uuid.uuid4().hex[:16]
            write_id(self.run_dir, IDS, self._project, run_id)
        try:
            self._run = self._library.init(
                project=self._project,
                id=run_id,
                name=self.name,
                config=self.config,
                dir=str(self.run_dir),
                resume="allow",
            )
        except self._library.Error as error:
            reason = " ".join(str(error).split())
            raise RunError(f"--wandb={self._project}: {reason}") from error

    def last_epoch(self, prefix: str) -> int:
        """As the summary of the resumed run says, and figures are drawn by epoch from now on."""
        self._run.define_metric(f"{prefix}epoch")
        self._run.define_metric(f"{prefix}*", step_metric=f"{prefix}epoch")
        return int(self._run.summary.get(f"{prefix}epoch", -1))

    def log(self, prefix: str, figures: Mapping[str, float], epoch: int) -> None:
        """One step of the run."""
        named = {f"{prefix}{name}": value for name, value in figures.items()}
        self._run.log({f"{prefix}epoch": epoch, **named})

    def log_result(self, prefix: str, figures: Mapping[str, float]) -> None:
        """Into the summary, where tables of runs read it."""
        self._run.summary.update({f"{prefix}{name}": value for name, value in figures.items()})

    def close(self, *, failed: bool) -> None:
        """Sends what is left; a run that was broken off is marked as failed."""
        self._run.finish(exit_code=int(failed))
