"""TensorBoard: events of every epoch, the configuration and the scores of the result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.trackers.tracker import Tracker

EVENTS = "tensorboard"
_SECONDS_UNSEEN = 5


def library() -> Any:
    """The module tensorboardX.

    Raises:
      ConfigError: it is not installed.
    """
    try:
        import tensorboardX
    except ImportError as error:
        raise ConfigError(
            "--tensorboard needs tensorboardX: pip install 'kdiffe_jax[tensorboard]'"
        ) from error
    return tensorboardX


class TensorBoard(Tracker):
    """Writes events below `tensorboard/` of the run directory, anew in every process.

    Several seeds have a directory each, which TensorBoard draws as lines of one chart; what is of
    all seeds together lies above them.
    """

    def __init__(self, run_dir: str | Path, config: Mapping[str, Any], name: str):
        super().__init__(run_dir, config, name)
        self._library = library()
        self._directory = self.run_dir / EVENTS
        self._writers: dict[str, Any] = {}

    def open(self) -> None:
        """Nothing: events of an earlier process stay until there is an event to write."""

    def last_epoch(self, prefix: str) -> int:
        """None: nothing is left of an earlier process."""
        return -1

    def log(self, prefix: str, figures: Mapping[str, float], epoch: int) -> None:
        """Adds a scalar for each figure."""
        try:
            writer = self._writer(prefix)
            for tag, value in figures.items():
                writer.add_scalar(tag, value, epoch)
        except OSError as error:
            raise RunError(f"{self._directory}: cannot be written: {error.strerror}") from error

    def log_result(self, prefix: str, figures: Mapping[str, float]) -> None:
        """Adds the scores, and the configuration of the run beside them, without a sub-run."""
        self.log(prefix, figures, int(figures["best_epoch"]))
        if not prefix:
            scores = [name for name in figures if name != "best_epoch"]
            settings = {name: _setting(value) for name, value in self.config.items()}
            written = self._library.summary.hparams(settings, dict.fromkeys(scores, 0.0))
            for part in written:
                self._writer(prefix).file_writer.add_summary(part)

    def close(self, *, failed: bool) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, prefix: str) -> Any:
        if not self._writers and self._directory.exists():
            shutil.rmtree(self._directory)
        if prefix not in self._writers:
            self._writers[prefix] = self._library.SummaryWriter(
                str(self._directory / prefix), flush_secs=_SECONDS_UNSEEN
            )
        return self._writers[prefix]


def _setting(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
