"""The history of a run as TensorBoard events, an epoch at a time."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.report.run_files import Record, read_history
from kdiffe_jax.training.run_directory import METRICS

EVENTS = "tensorboard"
_SECONDS_UNSEEN = 5
_NO_SCALAR = ("epoch", "seed", "members")


class Scalars:
    """Writes every loss term and metric of a run below `tensorboard/`. A context manager.

    The first epoch that ends, or the end without one, writes the whole history anew. So a
    resumed run has every epoch once, also those trained without this. Several seeds have a
    directory each, which TensorBoard draws as lines of one chart.

    Args:
      run_dir: of the run; its metrics.jsonl is read.

    Raises:
      ConfigError: tensorboardX, the extra `[tensorboard]`, is not installed.
    """

    def __init__(self, run_dir: Path):
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                "--tensorboard needs tensorboardX: pip install 'kdiffe_jax[tensorboard]'"
            ) from error
        self._new_writer = SummaryWriter
        self._run_dir = Path(run_dir)
        self._directory = self._run_dir / EVENTS
        self._writers: dict[str, Any] = {}
        self._begun = False

    def __enter__(self) -> Scalars:
        return self

    def __exit__(self, kind, *exception) -> None:
        if kind is None and not self._begun and (self._run_dir / METRICS).is_file():
            self._begin()
        for writer in self._writers.values():
            writer.close()

    def on_epoch(self, record: Record) -> None:
        """Writes an epoch that has just ended and is in metrics.jsonl already."""
        if self._begun:
            self._add(record)
        else:
            self._begin()

    def _begin(self) -> None:
        self._begun = True
        try:
            if self._directory.exists():
                shutil.rmtree(self._directory)
            for record in read_history(self._run_dir):
                self._add(record)
        except OSError as error:
            raise RunError(f"{self._directory}: cannot be written: {error.strerror}") from error

    def _add(self, record: Record) -> None:
        epoch = record["epoch"]
        for own in record.get("members", [record]):
            writer = self._writer(f"seed{own['seed']}" if "seed" in own else "")
            for name, value in scalars_of(own).items():
                writer.add_scalar(name, value, epoch)

    def _writer(self, name: str):
        if name not in self._writers:
            self._writers[name] = self._new_writer(
                str(self._directory / name), flush_secs=_SECONDS_UNSEEN
            )
        return self._writers[name]


def scalars_of(record: Record) -> dict[str, float]:
    """The finite figures of an epoch under the names that TensorBoard groups them by.

    >>> scalars_of({"epoch": 3, "seconds": 0.5, "bpr": 0.6, "valid": {"recall@20": 0.1}})
    {'seconds': 0.5, 'losses/bpr': 0.6, 'valid/recall_at_20': 0.1}
    """
    found = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= {f"{name}/{k.replace('@', '_at_')}": v for k, v in value.items()}
        elif name == "seconds":
            found[name] = value
        elif name not in _NO_SCALAR:
            found[f"losses/{name}"] = value
    return {name: value for name, value in found.items() if math.isfinite(value)}
