"""Numbers as times: seconds, milliseconds, microseconds or nanoseconds since 1970, not several."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.tables.values import Place
from kdiffe_jax.errors import DataError

# Seconds since 1970 from 1980 to 2100; each next unit is a thousand times as large.
_FIRST, _LAST = 3.2e8, 4.2e9
_UNITS = ("seconds", "milliseconds", "microseconds", "nanoseconds")
# How many of the numbers may be of no unit (0 for unknown, say) where they are times since 1970.
_MOST_OTHERS = 0.01


class TimeUnits:
    """Counts in which unit numbers look like times since 1970, part by part.

    >>> units = TimeUnits()
    >>> units.add(np.array([1577836800, 1577836800000]), "t.csv, row {}".format)
    >>> units.refuse_several("mend it")
    Traceback (most recent call last):
    kdiffe_jax.errors.DataError: t.csv, row 1: time 1577836800000 looks like milliseconds, as 1 of \
2 do, but t.csv, row 0: 1577836800 like seconds; mend it
    """

    def __init__(self):
        self._counts = np.zeros(len(_UNITS), np.int64)
        self._firsts: dict[int, tuple[str, str]] = {}
        self._total = 0

    def add(self, times: np.ndarray, place: Place) -> None:
        """Takes numbers, int64[n] or float64[n].

        Args:
          times: of some rows.
          place: file and row of the number at an index.
        """
        self._total += len(times)
        for unit in range(len(_UNITS)):
            mine = (times >= _FIRST * 1000.0**unit) & (times < _LAST * 1000.0**unit)
            self._counts[unit] += np.count_nonzero(mine)
            if unit not in self._firsts and mine.any():
                index = int(np.argmax(mine))
                self._firsts[unit] = place(index), f"{times[index]:.0f}"

    def refuse_several(self, remedy: str) -> None:
        """Refuses numbers that are almost all times, but of two units or more.

        Raises:
          DataError: shows the first number of each of two units.
        """
        present = np.flatnonzero(self._counts)
        if len(present) < 2 or self._counts.sum() < (1 - _MOST_OTHERS) * self._total:
            return
        most, other = np.argsort(-self._counts, kind="stable")[:2].tolist()
        (there, usual), (here, odd) = self._firsts[most], self._firsts[other]
        raise DataError(
            f"{here}: time {odd} looks like {_UNITS[other]}, as {self._counts[other]} of "
            f"{self._total} do, but {there}: {usual} like {_UNITS[most]}; {remedy}"
        )
