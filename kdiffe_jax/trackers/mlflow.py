"""MLflow: a run of an experiment, found again by an id in the run directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.trackers.run_ids import read_id, write_id
from kdiffe_jax.trackers.tracker import NotTaken, Tracker

IDS = "mlflow.json"
_MOST_PARAMETERS = 100  # that MLflow takes at once


def library() -> Any:
    """The module mlflow.

    Raises:
      ConfigError: it is not installed.
    """
    try:
        import mlflow
    except ImportError as error:
        raise ConfigError("--mlflow needs mlflow: pip install 'kdiffe_jax[mlflow]'") from error
    return mlflow


class Mlflow(Tracker):
    """Logs to an experiment of MLflow, wherever `MLFLOW_TRACKING_URI` says it is.

    Args:
      run_dir, config, name: as of `Tracker`.
      experiment: is made where there is none.
    """

    def __init__(
        self, run_dir: str | Path, config: Mapping[str, Any], name: str, *, experiment: str
    ):
        super().__init__(run_dir, config, name)
        self._library, self._experiment = library(), experiment
        self._known: dict[str, float] = {}

    def open(self) -> None:
        """Begins the run, or goes on with the one of that id.

        Raises:
          RunError: MLflow refuses it.
        """
        run_id = read_id(self.run_dir, IDS, self._experiment)
        try:
            with self._taking():
                self._begin_run(run_id)
        except NotTaken as error:
            known = f"; without {self.run_dir / IDS} a new run is begun" if run_id else ""
            raise RunError(f"--mlflow={self._experiment}: {error}{known}") from error

    def _begin_run(self, run_id: str | None) -> None:
        self._library.set_experiment(self._experiment)
        run = self._library.start_run(run_id=run_id, run_name=None if run_id else self.name)
        if run_id is None:
            write_id(self.run_dir, IDS, self._experiment, run.info.run_id)
        self._known = dict(run.data.metrics)
        missing = [item for item in self.config.items() if item[0] not in run.data.params]
        for begin in range(0, len(missing), _MOST_PARAMETERS):
            self._library.log_params(dict(missing[begin : begin + _MOST_PARAMETERS]))

    def last_epoch(self, prefix: str) -> int:
        """As the resumed run says."""
        return int(self._known.get(f"{prefix}epoch", -1))

    def log(self, prefix: str, figures: Mapping[str, float], epoch: int) -> None:
        """The figures at the step of that epoch."""
        named = {f"{prefix}{name}": value for name, value in figures.items()}
        with self._taking():
            self._library.log_metrics({**named, f"{prefix}epoch": epoch}, step=epoch)

    def log_result(self, prefix: str, figures: Mapping[str, float]) -> None:
        """What the run does not have yet, at the step of the best epoch."""
        named = {f"{prefix}{name}": value for name, value in figures.items()}
        new = {name: value for name, value in named.items() if name not in self._known}
        with self._taking():
            self._library.log_metrics(new, step=int(figures["best_epoch"]))

    def close(self, *, failed: bool) -> None:
        """Ends the run; one that was broken off is marked as failed."""
        with self._taking():
            self._library.end_run("FAILED" if failed else "FINISHED")

    @contextmanager
    def _taking(self) -> Iterator[None]:
        try:
            yield
        except self._library.MlflowException as error:
            raise NotTaken(" ".join(str(error).split())) from error
