"""How long many runs will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

from kdiffe_jax.training.phases import time_text


class TimeLeft:
    """Counts runs, and judges the rest by how long those that were waited for took.

    Args:
      runs: how many there are in all.
      finished: how many of them are finished already; they take no time.
      clock: seconds.

    >>> ticks = iter((0.0, 60.0, 120.0))
    >>> left = TimeLeft(4, 1, lambda: next(ticks))
    >>> [left.ended(waited_for=run != 1) for run in range(3)]
    ['1 of 4 runs, about 120 s left', '2 of 4 runs', '3 of 4 runs, about 60 s left']
    """

    def __init__(self, runs: int, finished: int, clock: Callable[[], float] = time.monotonic):
        self._runs, self._to_wait_for, self._clock = runs, runs - finished, clock
        self._begun, self._ended, self._waited_for = clock(), 0, 0

    def ended(self, *, waited_for: bool = True) -> str:
        """Notes that a run has ended; how many have, and about how long the rest will take.

        Args:
          waited_for: False for one that was finished already.
        """
        self._ended += 1
        count = f"{self._ended} of {self._runs} runs"
        if not waited_for:
            return count
        self._waited_for += 1
        mean = (self._clock() - self._begun) / self._waited_for
        rest = self._to_wait_for - self._waited_for
        return f"{count}, about {time_text(mean * rest)} left" if rest else count
