"""Bars for what commands read and count, on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from kdiffe_jax.training.progress import terminal_bar


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
