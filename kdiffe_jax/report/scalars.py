"""The history of a run as TensorBoard events, an epoch at a time."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.report.run_files import Record, losses_of, read_history
from kdiffe_jax.storage.run_directory import METRICS

EVENTS = "tensorboard"
_SECONDS_UNSEEN = 5


class Scalars:
    """Writes every loss term and metric of a run below `tensorboard/`. A context manager.

    The first epoch that ends, or the end without one, writes the whole history anew. So a
    resumed run has every epoch once, also those trained without this. Several seeds have a
    directory each, which TensorBoard draws as lines of one chart.

    Args:
      run_dir: of the run; its metrics.jsonl is read, or that of each seed below it.

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
        if kind is None and not self._begun:
            self._begin()
        for writer in self._writers.values():
            writer.close()

    def on_epoch(self, record: Record) -> None:
        """Writes an epoch that has just ended and is in metrics.jsonl already."""
        if not self._begun:
            self._begin()
            return
        self._add(f"seed{record['seed']}" if "seed" in record else "", record)

    def _begin(self) -> None:
        self._begun = True
        try:
            if self._directory.exists():
                shutil.rmtree(self._directory)
            for name, directory in self._parts():
                for record in read_history(directory):
                    self._add(name, record)
        except OSError as error:
            raise RunError(f"{self._directory}: cannot be written: {error.strerror}") from error

    def _parts(self) -> list[tuple[str, Path]]:
        """What the run, or each of its seeds, is called below `tensorboard/`, and where it is."""
        seeds = sorted(file.parent for file in self._run_dir.glob(f"seed*/{METRICS}"))
        return [(seed.name, seed) for seed in seeds] or [("", self._run_dir)]

    def _add(self, name: str, record: Record) -> None:
        writer = self._writer(name)
        for tag, value in scalars_of(record).items():
            writer.add_scalar(tag, value, record["epoch"])

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
    found = {"seconds": record["seconds"]}
    found |= {f"losses/{name}": value for name, value in losses_of(record).items()}
    for split, metrics in record.items():
        if isinstance(metrics, dict):
            found |= {f"{split}/{k.replace('@', '_at_')}": v for k, v in metrics.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}
