"""What a person sees while a run trains: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from kdiffe_jax.config import Config
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.registry import build_model, is_trained
from kdiffe_jax.training.selection import selection_score


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
        self._best: dict[int | None, float] = {}
        has_epochs = shown and is_trained(config.model)
        self._bar = terminal_bar(total=config.train.epochs, unit="epoch") if has_epochs else None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception) -> None:
        if self._bar is not None:
            self._bar.close()

    def log(self, line: str) -> None:
        """One line, above the bar where there is one."""
        if not self._shown:
            return
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.write(line)

    def on_epoch(self, record: dict[str, Any]) -> None:
        """Shows one epoch; of several seeds, which one it is of."""
        if not self._shown:
            return
        seed, value = record.get("seed"), selection_score(record, self._config)
        self._best[seed] = max(self._best.get(seed, value), value)
        score = f"{self._metric} {value:.4f}", f"best {self._best[seed]:.4f}"
        if self._bar is None:
            name = "" if seed is None else f"seed {seed}  "
            objectives = build_model(self._config, Sizes(1, 1)).objectives
            losses = (f"{of.name} {record[of.name]:9.4f}" for of in objectives)
            parts = (*losses, *score, f"{record['seconds']:.1f} s")
            print(f"{name}epoch {record['epoch']:3d}  {'  '.join(parts)}", flush=True)
            return
        if seed is not None:
            self._bar.set_description_str(f"seed {seed}", refresh=False)
        self._bar.n = record["epoch"] + 1
        self._bar.set_postfix_str(", ".join(score))


def terminal_bar(**options):
    """A bar of tqdm; None where there is no terminal, or no tqdm."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(dynamic_ncols=True, **options)


@contextlib.contextmanager
def rows_bar(what: str, unit: str = "row") -> Iterator[Callable[[Any, int, int | None], None]]:
    """A bar for a long read: yields a function of (rows done, bytes done, bytes in all).

    A download has the file's name in place of rows, and None where the size is not known.

    On a terminal the bar shows the share of bytes from the first call on; elsewhere nothing
    is printed.
    """
    bars: list[Any] = []

    def show(rows: Any, done: int, total: int | None) -> None:
        if not bars:
            bars.append(terminal_bar(desc=what, unit="B", unit_scale=True))
        if bars[0] is None:
            return
        bars[0].total, bars[0].n = total, done
        if unit == "row":
            bars[0].set_postfix_str(f"{rows:,} rows", refresh=False)
        bars[0].refresh()

    try:
        yield show
    finally:
        if bars and bars[0] is not None:
            bars[0].close()


@contextlib.contextmanager
def count_bar(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar for a known number of things: yields a function of how many more are done."""
    bar = terminal_bar(total=total, unit=unit)
    if bar is None:
        yield lambda more: None
        return
    with bar:
        yield bar.update
