"""What a person sees while a run trains: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from kdiffe_jax.config import Config
from kdiffe_jax.training.loop import selection_score


class Progress:
    """Receives lines and epoch records. Use as a context manager.

    Args:
      config: says how many epochs there can be and which metric is watched.
      shown: False shows nothing.
    """

    def __init__(self, config: Config, *, shown: bool = True):
        self._shown = shown
        self._config = config
        self._metric = f"{config.eval.selection} {config.eval.selection_metric}"
        self._best = -1.0
        self._bar = _terminal_bar(config.train.epochs) if shown else None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception) -> None:
        if self._bar is not None:
            self._bar.close()

    def say(self, line: str) -> None:
        """One line, above the bar where there is one."""
        if not self._shown:
            return
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.write(line)

    def on_epoch(self, record: dict[str, Any]) -> None:
        """Shows one epoch; of several seeds, the mean and range of those that still train."""
        if not self._shown:
            return
        if "members" in record:
            self._on_members(record)
            return
        value = selection_score(record, self._config)
        self._best = max(self._best, value)
        if self._bar is None:
            ranking = self._config.train.ranking_loss
            print(
                f"epoch {record['epoch']:3d}  loss {record['loss']:9.4f}  "
                f"{ranking} {record[ranking]:.4f}  "
                f"{self._metric} {value:.4f}  best {self._best:.4f}  {record['seconds']:.1f} s",
                flush=True,
            )
            return
        self._bar.n = record["epoch"] + 1
        self._bar.set_postfix_str(f"{self._metric} {value:.4f}, best {self._best:.4f}")

    def _on_members(self, record: dict[str, Any]) -> None:
        members = record["members"]
        scores = [selection_score(member, self._config) for member in members]
        shown = f"{self._metric} {mean_and_range(scores)}"
        training = f"{len(members)} of {self._config.train.num_seeds} seeds"
        if self._bar is None:
            losses = mean_and_range([member["loss"] for member in members])
            print(
                f"epoch {record['epoch']:3d}  {training}  loss {losses}  {shown}  "
                f"{record['seconds']:.1f} s",
                flush=True,
            )
            return
        self._bar.n = record["epoch"] + 1
        self._bar.set_postfix_str(f"{training}, {shown}")


def mean_and_range(values: list[float]) -> str:
    """Several figures as one.

    >>> mean_and_range([0.1, 0.3])
    '0.2000 (0.1000-0.3000)'
    """
    return f"{sum(values) / len(values):.4f} ({min(values):.4f}-{max(values):.4f})"


def _terminal_bar(epochs: int):
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=epochs, unit="epoch", dynamic_ncols=True)


@contextlib.contextmanager
def rows_bar(what: str, unit: str = "row") -> Iterator[Callable[[Any, int, int | None], None]]:
    """A bar for a long read: yields a function of (rows done, bytes done, bytes in all).

    A download has the file's name in place of rows, and None where the size is not known.

    On a terminal the bar shows the share of bytes from the first call on; elsewhere nothing
    is printed.
    """
    if not sys.stderr.isatty():
        yield lambda rows, done, total: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda rows, done, total: None
        return
    bars: list[Any] = []

    def show(rows: Any, done: int, total: int | None) -> None:
        if not bars:
            bars.append(tqdm(desc=what, unit="B", unit_scale=True, dynamic_ncols=True))
        bars[0].total, bars[0].n = total, done
        if unit == "row":
            bars[0].set_postfix_str(f"{rows:,} rows", refresh=False)
        bars[0].refresh()

    try:
        yield show
    finally:
        for bar in bars:
            bar.close()


@contextlib.contextmanager
def count_bar(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar for a known number of things: yields a function of how many more are done."""
    bar = None
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm

            bar = tqdm(total=total, unit=unit, dynamic_ncols=True)
        except ImportError:
            bar = None
    try:
        yield (lambda more: None) if bar is None else bar.update
    finally:
        if bar is not None:
            bar.close()
