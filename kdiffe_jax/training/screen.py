"""Rows that move while a person waits, on a terminal or in a notebook: the only file with rich."""

from __future__ import annotations

import sys
from typing import Any, Self

_BESIDE_THE_BAR = 70
_SPEED_OVER_SECONDS = 3600.0


class Row:
    """One thing that lasts: its name, how far it is, and what else is known of it."""

    def __init__(self, screen: Screen, name: str, *, done: float, total: float | None, unit: str):
        self._screen, self._unit = screen, unit
        self.name, self.done, self.total, self.note = name, done, total, ""
        self.handle = screen.add(self)

    def show(
        self,
        done: float,
        *,
        total: float | None = None,
        note: str | None = None,
        name: str | None = None,
    ) -> None:
        """Shows how far it is; what is left out stays as it is."""
        self.done = done
        self.total = self.total if total is None else total
        self.note = self.note if note is None else note
        self.name = self.name if name is None else name
        self._screen.update(self)

    def close(self) -> None:
        """Takes the row away."""
        self._screen.remove(self)

    @property
    def count(self) -> str:
        """How much of how much, in words; empty while nothing is counted.

        >>> row = Row(Screen(), "reading", done=0, total=None, unit="byte")
        >>> row.show(1_500_000, total=6_000_000)
        >>> row.count
        '1.5 of 6.0 MB'
        """
        if self._unit == "byte":
            done = f"{self.done / 1e6:,.1f}"
            return f"{done} MB" if self.total is None else f"{done} of {self.total / 1e6:,.1f} MB"
        return "" if self.total is None else f"{self.done:,.0f}/{self.total:,.0f}"


class Screen:
    """Rows, one under another, each with the time since it began. Use as a context manager.

    This one shows nothing; `screen` gives one that does.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def row(self, name: str, *, done: float = 0, total: float | None = None, unit: str = "") -> Row:
        """A new row below the others; without a total it only moves."""
        return Row(self, name, done=done, total=total, unit=unit)

    def add(self, row: Row) -> Any:
        """Receives a new row; what it gives is the row's `handle`."""

    def update(self, row: Row) -> None:
        """Receives a row that has changed."""

    def remove(self, row: Row) -> None:
        """Receives a row that is over."""

    def print(self, line: str) -> None:
        """One line above the rows, which stays."""

    def close(self) -> None:
        """Takes all rows away."""


def screen() -> Screen | None:
    """A screen that is shown; None where there is neither terminal nor notebook, or no rich."""
    if _in_notebook():
        return _Notebook()
    if not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(file=sys.stderr, highlight=False, markup=False)
    return None if console.is_dumb_terminal else _Terminal(console)


def _in_notebook() -> bool:
    """Whether the kernel of a notebook runs this; its packages alone say nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class _Terminal(Screen):
    """Rows of rich. What is printed meanwhile stands above them, where both are on a terminal."""

    def __init__(self, console: Any):
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        class Bar(BarColumn):
            def render(self, task):
                return "" if task.total is None else super().render(task)

        self._rows = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            Bar(bar_width=min(40, max(8, console.width - _BESIDE_THE_BAR))),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            speed_estimate_period=_SPEED_OVER_SECONDS,
        )
        self._console = console
        self._rows.start()

    def add(self, row):
        return self._rows.add_task(
            row.name, total=row.total, completed=row.done, count=row.count, note=row.note
        )

    def update(self, row):
        self._rows.update(
            row.handle,
            description=row.name,
            completed=row.done,
            total=row.total,
            count=row.count,
            note=row.note,
            refresh=True,
        )

    def remove(self, row):
        self._rows.remove_task(row.handle)

    def print(self, line):
        self._console.print(line)

    def close(self):
        self._rows.stop()


class _Notebook(Screen):
    """The newest row as one line below a cell, written anew; needs no widgets."""

    def __init__(self):
        from IPython.display import DisplayHandle, Pretty

        self._text, self._handle, self._begun = Pretty, DisplayHandle(), False

    def add(self, row):
        self.update(row)

    def update(self, row):
        text = self._text("  ".join(filter(None, (row.name, row.count, row.note))))
        if self._begun:
            self._handle.update(text)
        else:
            self._handle.display(text)
        self._begun = True

    def close(self):
        if self._begun:
            self._handle.update(self._text(""))
