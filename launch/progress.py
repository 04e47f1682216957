"""Bars for what commands read and count, on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from kdiffe_jax.training.screen import Row, Screen, screen


@contextlib.contextmanager
def rows_bar(what: str, unit: str = "row") -> Iterator[Callable[[Any, int, int | None], None]]:
    """A bar for a long read: yields a function of (rows done, bytes done, bytes in all).

    A download has the file's name in place of rows, and None where the size is not known.

    On a terminal or in a notebook the bar shows the share of bytes from the first call on;
    elsewhere nothing is printed.
    """
    with contextlib.ExitStack() as stack:
        rows_there: list[Row] = []

        def show(rows: Any, done: int, total: int | None) -> None:
            if not rows_there:
                rows_there.append(stack.enter_context(_shown()).row(what, unit="byte"))
            note = f"{rows:,} rows" if unit == "row" else ""
            rows_there[0].show(done, total=total, note=note)

        yield show


@contextlib.contextmanager
def count_bar(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar for a known number of things: yields a function of how many more are done."""
    with _shown() as on:
        row = on.row(unit, total=total)
        yield lambda more: row.show(row.done + more)


def _shown() -> Screen:
    return screen() or Screen()
