"""Interleaved timing: every round runs each case once, so a busy machine is busy for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.ceilings import Ceilings, exact_products

_FEWEST_ROUNDS = 3


class Work(NamedTuple):
    """What a case cannot do without, for the time that the machine's ceilings imply.

    bytes: moved between memory and cores at least, every array once.
    gathered: bytes read row by row in an order given by the data, from the caches at best; not
      counted where the speed of these is not known.
    operations: additions and multiplications in float32.
    """

    bytes: float = 0.0
    gathered: float = 0.0
    operations: float = 0.0

    def times(self, factor: float) -> Work:
        """The same work `factor` times."""
        return Work(*(factor * amount for amount in self))

    def plus(self, other: Work) -> Work:
        """Both, one after the other."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


class Case(NamedTuple):
    """One alternative of a part.

    name: as the table shows it.
    run: does the work once; what it returns is waited for.
    baseline: whether the others' speed is told against it; at most one of a part is.
    work: for the ceilings, None where they say nothing.
    scale: factor on the measured time of a case that does a stated share of the work.
    memory: whether its peak memory is worth a process of its own.
    """

    name: str
    run: Callable[[], Any]
    baseline: bool = False
    work: Work | None = None
    scale: float = 1.0
    memory: bool = True


class Timed(NamedTuple):
    """What a case returns that starts a process and reads the clock itself."""

    seconds: float
    cpu: float
    peak_mb: float


class Part(NamedTuple):
    """What one module of `benchmarks.parts` measures.

    title: what is timed, with its sizes.
    cases: the alternatives.
    check: raises AssertionError where the alternatives disagree; run before timing.
    remarks: lines for below the table, made from the rows.
    rounds: more are not worth their time.
    """

    title: str
    cases: list[Case]
    check: Callable[[], None]
    remarks: Callable[[list[Row]], list[str]] = lambda rows: []
    rounds: int | None = None


class Samples(NamedTuple):
    """Seconds of one case: the first call as it was, then wall and CPU time of each round."""

    first: float | None
    wall: np.ndarray
    cpu: np.ndarray
    peak_mb: float | None = None


class Row(NamedTuple):
    """One line of the table; times in ms, `speed` is the baseline's time over this one's."""

    name: str
    baseline: bool
    rounds: int
    median: float
    quartiles: tuple[float, float]
    cpu: float
    first: float | None
    speed: float | None
    speed_range: tuple[float, float] | None
    implied: float | None
    bound: str | None
    reached: float | None
    peak_mb: float | None = None
    setup_mb: float | None = None


def measure(
    cases: list[Case],
    *,
    rounds: int,
    seconds: float = np.inf,
    check: Callable[[], None] = lambda: None,
) -> list[Samples]:
    """Times the cases in turn: A B C, A B C, ...

    Args:
      cases: what to time.
      rounds: how often, at most.
      seconds: no round begins later than this, but for the first three.
      check: called after the first calls, before the rounds; its products are exact.

    Returns:
      The samples of each case. Each case's first call, which compiles, is kept apart,
      unless the case reads the clock itself.
    """
    firsts = [_timed(case.run) for case in cases]
    with exact_products():
        check()
    taken: list[list[Timed]] = [[] for _ in cases]
    begun = time.perf_counter()
    for number in range(rounds):
        if number >= _FEWEST_ROUNDS and time.perf_counter() - begun > seconds:
            break
        for case, first, times in zip(cases, firsts, taken, strict=True):
            ready = number == 0 and first.peak_mb > 0
            times.append(first if ready else _timed(case.run))
    return [_samples(*every) for every in zip(cases, firsts, taken, strict=True)]


def _timed(run: Callable[[], Any]) -> Timed:
    cpu, wall = time.process_time(), time.perf_counter()
    result = jax.block_until_ready(run())
    if isinstance(result, Timed):
        return result
    return Timed(time.perf_counter() - wall, time.process_time() - cpu, 0.0)


def _samples(case: Case, first: Timed, times: list[Timed]) -> Samples:
    wall, cpu, peaks = np.array(times).T
    if first.peak_mb > 0:
        return Samples(None, wall, cpu, float(peaks.max()))
    return Samples(first.seconds, case.scale * wall, case.scale * cpu)


def resident_peak_mb() -> float:
    """The most memory that this process has held, MB; nan where the system does not tell.

    Not `getrusage`, whose peak a process inherits from the one that started it.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return peaks[0] if peaks else float("nan")


def rows_of(cases: list[Case], samples: list[Samples], ceilings: Ceilings) -> list[Row]:
    """The table's lines: medians, quartiles, speed against the baseline, share of the ceiling.

    The range of a speed is that of the rounds, each case against the baseline of its own
    round.
    """
    against = next((s for c, s in zip(cases, samples, strict=True) if c.baseline), None)
    return [_row(c, s, against, ceilings) for c, s in zip(cases, samples, strict=True)]


def _row(case: Case, samples: Samples, against: Samples | None, ceilings: Ceilings) -> Row:
    milliseconds = 1e3 * samples.wall
    median = float(np.median(milliseconds))
    speed = speed_range = implied = bound = reached = None
    if against is not None:
        speed = float(np.median(against.wall) / np.median(samples.wall))
        paired = against.wall / samples.wall
        speed_range = (float(paired.min()), float(paired.max()))
    if case.work is not None:
        implied, bound = implied_milliseconds(case.work, ceilings)
        reached = implied / median
    return Row(
        name=case.name,
        baseline=case.baseline,
        rounds=len(milliseconds),
        median=median,
        quartiles=tuple(float(q) for q in np.quantile(milliseconds, (0.25, 0.75))),
        cpu=1e3 * float(np.median(samples.cpu)),
        first=None if samples.first is None else 1e3 * samples.first,
        speed=speed,
        speed_range=speed_range,
        implied=implied,
        bound=bound,
        reached=reached,
        peak_mb=samples.peak_mb,
    )


def implied_milliseconds(work: Work, ceilings: Ceilings) -> tuple[float, str]:
    """The least time that the machine needs for some work, and which ceiling says so.

    >>> machine = Ceilings(memory=1e9, cache=2e9, arithmetic=1e9)
    >>> implied_milliseconds(Work(bytes=1e6, gathered=4e6, operations=1e6), machine)
    (2.0, 'cache')
    """
    times = {
        "memory": 1e3 * work.bytes / ceilings.memory,
        "arithmetic": 1e3 * work.operations / ceilings.arithmetic,
    }
    if ceilings.cache is not None:
        times["cache"] = 1e3 * work.gathered / ceilings.cache
    bound = max(times, key=times.get)
    return times[bound], bound
