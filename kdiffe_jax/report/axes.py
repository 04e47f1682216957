"""Where the ticks of an axis stand, what they are called, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_STEPS = (1, 2, 2.5, 5, 10)


class Axis(NamedTuple):
    """A range of values drawn from place `start` to place `end`."""

    low: float
    high: float
    ticks: tuple[float, ...]
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def names(self) -> list[str]:
        """What the ticks are called: with as many decimals as tell them apart."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else 1.0
        largest = max(map(abs, self.ticks))
        if largest >= 1e6 or largest < 1e-4:
            return [f"{tick:.3g}" for tick in self.ticks]
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        if round(step, decimals) != round(step, decimals + 1):
            decimals += 1
        return [f"{tick:,.{decimals}f}" for tick in self.ticks]


def value_axis(values: Sequence[float], start: float, end: float, *, most: int = 5) -> Axis:
    """An axis whose ends are round and hold all values.

    >>> value_axis([0.12, 0.31], 0, 100).ticks
    (0.1, 0.15, 0.2, 0.25, 0.3, 0.35)
    >>> value_axis([3.0], 0, 100).names()
    ['2.0', '2.5', '3.0', '3.5', '4.0']
    """
    low, high = min(values), max(values)
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        reach = max(abs(low) / 3, 1e-6)
        low, high = low - reach, high + reach
    step = _step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{place * step:.10g}") for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks, start, end)


def count_axis(last: int, start: float, end: float, *, most: int = 6) -> Axis:
    """An axis of whole numbers from 0 to `last`, whose ticks are whole.

    >>> count_axis(7, 0, 100).ticks
    (0, 2, 4, 6)
    """
    step = max(1, math.ceil(_step(last / most)))
    return Axis(0, max(1, last), tuple(range(0, last + 1, step)), start, end)


def _step(least: float) -> float:
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))
