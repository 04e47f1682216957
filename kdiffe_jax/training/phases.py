"""What a command is at, and how long each part of it took."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

import jax

from kdiffe_jax.training.screen import Row, Screen, screen

#: Gives a block for a named phase; `contextlib.nullcontext` is one that tells nobody.
Phase = Callable[[str], AbstractContextManager]

#: A phase that is seen and has no time of its own: what it compiles, and the rest, is known better.
FIRST_EPOCH = "compiling, first epoch"
COMPILING = "compiling"
_COMPILES = (
    "/jax/core/compile/backend_compile_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
)
_SMALLEST_SHARE, _LEAST_SHOWN = 0.01, 0.05


class Phases:
    """Phases by name, one inside another, and the time that each took. Use as a context manager.

    On a terminal or in a notebook a phase is seen while it lasts, and has a line with its time
    when it is over; elsewhere the first of a name is a line, once it has lasted for a while.
    Whatever jax compiles counts as `COMPILING`, in whichever phase it is.

    Args:
      shown: False shows nothing.
      begun: when the command began, of `clock`; now if omitted.
      after: seconds after which a phase that is not seen has its line.
      clock: seconds.

    >>> ticks = iter((2.0, 2.0, 5.0, 9.0, 10.0, 10.0))
    >>> phases = Phases(shown=False, begun=0.0, clock=lambda: next(ticks))
    >>> with phases("scoring"):
    ...     with phases("baseline ease"):
    ...         pass
    >>> phases.summary()
    '10 s: 2.0 s starting, 4.0 s scoring, 4.0 s baseline ease'
    """

    def __init__(
        self,
        *,
        shown: bool = True,
        begun: float | None = None,
        after: float = 3.0,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._clock, self._shown, self._after = clock, shown, after
        self._since = clock()
        self._begun = self._since if begun is None else begun
        self._open: list[str] = []
        self._screen: Screen | None = None
        self._rows: list[Row] = []
        self._told: set[str] = set()
        self.seconds: dict[str, float] = {}  #: by name, without the phases inside it
        if begun is not None:
            self.seconds["starting"] = self._since - begun

    def __enter__(self) -> Self:
        self._screen = screen() if self._shown else None
        jax.monitoring.register_event_duration_secs_listener(self._note_compiling)
        return self

    def __exit__(self, *exception) -> None:
        jax.monitoring.unregister_event_duration_listener(self._note_compiling)
        if self._screen is not None:
            self._screen.close()
            self._screen = None

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """A block that is a phase of that name."""
        self._settle()
        before = dict(self.seconds)
        self._open.append(name)
        try:
            with self._visible(name):
                yield
        finally:
            self._settle()
            self._open.pop()
        if not self._open and self._screen is not None:
            self._tell_times(before)

    @property
    def moving(self) -> bool:
        """Whether what is at work is seen moving, so that no line need say it."""
        return self._screen is not None

    def log(self, line: str) -> None:
        """One line, above what moves."""
        if self._shown:
            print(line, flush=True)

    def show(self, done: float, total: float, *, note: str, name: str | None = None) -> None:
        """Shows how far the phase at work is, where it is seen moving."""
        if self._rows:
            self._rows[-1].show(done, total=total, note=note, name=name)

    def summary(self) -> str:
        """How long the command took until now, and its parts; the small ones as one."""
        self._settle()
        total = self._since - self._begun
        least = max(_SMALLEST_SHARE * total, _LEAST_SHOWN)
        large = {name: seconds for name, seconds in self.seconds.items() if seconds >= least}
        rest = total - sum(large.values())
        if rest >= least:
            large["else"] = rest
        parts = ", ".join(f"{time_text(seconds)} {name}" for name, seconds in large.items())
        return f"{time_text(total)}: {parts}" if parts else time_text(total)

    @contextlib.contextmanager
    def _visible(self, name: str) -> Iterator[None]:
        if self._screen is not None:
            self._rows.append(self._screen.row(name))
            try:
                yield
            finally:
                self._rows.pop().close()
            return
        timer = threading.Timer(self._after, self._tell, [name])
        timer.daemon = True
        if self._shown and name not in self._told:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _tell(self, name: str) -> None:
        if self._open[-1:] != [name]:
            return  # the phase inside it tells more
        self._told.add(name)
        sys.stdout.write(f"{name} ...\n")
        sys.stdout.flush()

    def _settle(self) -> None:
        """The time since the last look belongs to the innermost phase."""
        now = self._clock()
        self._add(now - self._since)
        self._since = now

    def _note_compiling(self, event: str, seconds: float, **about: Any) -> None:
        """Takes from the innermost phase, which receives all time later, what jax compiled."""
        if self._open and event in _COMPILES:
            self._add(-seconds)
            self.seconds[COMPILING] = self.seconds.get(COMPILING, 0.0) + seconds

    def _add(self, seconds: float) -> None:
        names = [name for name in self._open if name != FIRST_EPOCH]
        if names:
            self.seconds[names[-1]] = self.seconds.get(names[-1], 0.0) + seconds

    def _tell_times(self, before: dict[str, float]) -> None:
        took = {name: seconds - before.get(name, 0.0) for name, seconds in self.seconds.items()}
        parts = [f"{name} {time_text(s)}" for name, s in took.items() if s >= _LEAST_SHOWN]
        if parts and self._screen is not None:
            self._screen.print(", ".join(parts))


def time_text(seconds: float) -> str:
    """A time as a person says it.

    >>> time_text(4.21), time_text(74), time_text(840), time_text(12_000)
    ('4.2 s', '74 s', '14 min', '3.3 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 180:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 10_800 else f"{seconds / 3600:.1f} h"
