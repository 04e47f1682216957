"""What all trackers do: tell every epoch of a run once, and its result."""

from __future__ import annotations

import abc
import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from kdiffe_jax.report.run_files import Record, losses_of, read_history
from kdiffe_jax.storage.run_directory import METRICS

SPLITS = ("valid", "test")


class NotTaken(Exception):
    """The other side did not take something now; what is missing is told again later."""


class Tracker(abc.ABC):
    """Writes losses and metrics of a run elsewhere as well. A context manager.

    The first epoch that ends, or the end without one, begins with what metrics.jsonl holds: all
    epochs that the other side does not have yet. So a resumed run has every epoch once, also those
    that were trained without this. Several seeds are told apart by the prefix `seed3/`.

    Once it is open, another side that cannot be reached never ends a training: one line says so,
    and the next epoch, or the same command again, brings what is missing.

    Args:
      run_dir: of the run, claimed by this process.
      config: what its config.json holds.
      name: what the run is called.

    Raises:
      ConfigError: the library is not installed.
    """

    def __init__(self, run_dir: str | Path, config: Mapping[str, Any], name: str):
        self.run_dir, self.config, self.name = Path(run_dir), dict(config), name
        self._last: dict[str, int] = {}
        self._begun = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind, *exception) -> None:
        with self._forgiving():
            try:
                if kind is None:
                    self._begin()
            finally:
                self.close(failed=kind is not None)

    def on_epoch(self, record: Record) -> None:
        """Tells an epoch that has just ended and is in metrics.jsonl already."""
        with self._forgiving():
            if self._begun:
                self._tell(f"seed{record['seed']}/" if "seed" in record else "", record)
            else:
                self._begin()

    def on_result(self, result: Mapping[str, Any]) -> None:
        """Tells the scores of the best epoch, and those of each seed of several."""
        with self._forgiving():
            self._begin()
            self.log_result("", figures_of(result))
            for own in result.get("seeds", []):
                self.log_result(f"seed{own['seed']}/", figures_of(own))

    @abc.abstractmethod
    def open(self) -> None:
        """Before the first epoch."""

    @abc.abstractmethod
    def last_epoch(self, prefix: str) -> int:
        """The last epoch that the other side has; -1 where it has none."""

    @abc.abstractmethod
    def log(self, prefix: str, figures: Mapping[str, float], epoch: int) -> None:
        """Tells the figures of one epoch."""

    @abc.abstractmethod
    def log_result(self, prefix: str, figures: Mapping[str, float]) -> None:
        """Tells the figures of the result."""

    @abc.abstractmethod
    def close(self, *, failed: bool) -> None:
        """At the end, or where the run was broken off."""

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except NotTaken as error:
            self._begun = False
            print(f"{type(self).__name__}: not logged, tried again later: {error}", flush=True)

    def _begin(self) -> None:
        if self._begun:
            return
        for prefix, record in _history(self.run_dir):
            self._tell(prefix, record)
        self._begun = True

    def _tell(self, prefix: str, record: Record) -> None:
        if prefix not in self._last:
            self._last[prefix] = self.last_epoch(prefix)
        epoch = record["epoch"]
        if epoch > self._last[prefix]:
            self.log(prefix, scalars_of(record), epoch)
            self._last[prefix] = epoch


def scalars_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The finite figures of an epoch, in groups by a slash.

    >>> scalars_of({"epoch": 3, "seconds": 0.5, "bpr": 0.6, "valid": {"recall@20": 0.1}})
    {'seconds': 0.5, 'losses/bpr': 0.6, 'valid/recall_at_20': 0.1}
    """
    found = {"seconds": record["seconds"]}
    found |= {f"losses/{name}": value for name, value in losses_of(dict(record)).items()}
    for split, metrics in record.items():
        if isinstance(metrics, dict):
            found |= {f"{split}/{_plain(name)}": value for name, value in metrics.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def figures_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The finite scores of the best epoch, of a run or of one of its seeds.

    >>> figures_of({"best_epoch": 7, "valid": {"recall@20": 0.1}, "test": {"recall@20": 0.2}})
    {'best_epoch': 7, 'best/valid/recall_at_20': 0.1, 'best/test/recall_at_20': 0.2}
    """
    found = {"best_epoch": result["best_epoch"]}
    for split in SPLITS:
        for name, value in result.get(split, {}).items():
            found[f"best/{split}/{_plain(name)}"] = value
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _plain(metric: str) -> str:
    return metric.replace("@", "_at_")


def _history(run_dir: Path) -> Iterator[tuple[str, Record]]:
    """The epochs so far, each with its prefix; of several seeds one seed after another."""
    found = [file.parent for file in run_dir.glob(f"seed*/{METRICS}")]
    by_seed = {part.name.removeprefix("seed"): part for part in found}
    parts = [by_seed[seed] for seed in sorted(filter(str.isdecimal, by_seed), key=int)]
    for part in parts or [run_dir]:
        prefix = f"{part.name}/" if parts else ""
        for record in read_history(part):
            yield prefix, record
