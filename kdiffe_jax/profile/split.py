"""Every instant of the traced epochs goes to what was at work then; the shares sum to the whole.

At an instant count, in this order: the operations of the device, equally where several
overlap; the loops and calls around them; the host's phase. An operation without a phase
makes `UNMARKED`, an instant at which nothing counts makes `IDLE`.

What an operation has handed to other threads counts as far as there are threads: a trace says
when it was handed over and when it was done, but not how long it waited between the two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kdiffe_jax.ops.trace_phases import PHASES
from kdiffe_jax.profile.spans import Span, Spans

UNMARKED, IDLE = "unmarked", "idle"
ROWS = (*PHASES, UNMARKED, IDLE)


class Split(NamedTuple):
    """The mean epoch of a trace."""

    epochs: int
    seconds: float  # wall time of an epoch
    rows: dict[str, float]  # seconds of each of `ROWS`; they sum to `seconds`


def split_epochs(spans: Spans, *, threads: int) -> Split:
    """Divides the epochs' wall time among the phases.

    Args:
      spans: with at least one epoch.
      threads: that may be at work at once, at least 1.

    >>> epoch = [Span(0, 10e9, "epoch")]
    >>> device = [Span(1e9, 4e9, "views"), Span(3e9, 4e9, "ranking_loss")]
    >>> split = split_epochs(Spans(epoch, device, [], [], [Span(0, 1e9, "batches")]), threads=1)
    >>> [split.rows[name] for name in ("batches", "views", "ranking_loss", "idle")]
    [1.0, 2.5, 0.5, 6.0]
    """
    times = np.unique([time for group in spans for span in group for time in span[:2]])
    lengths = np.diff(times)
    lengths = lengths * (_at_work(spans.epochs, times, ["epoch"])[:, 0] > 0)
    marked = [span for span in spans.containers if span.phase]
    device = _at_device(spans, times, threads)
    owed = np.zeros(len(ROWS))
    for at_work in (device, *(_at_work(group, times, ROWS) for group in (marked, spans.host))):
        total = at_work.sum(axis=1, keepdims=True)
        owed += (lengths[:, None] * at_work / np.maximum(total, 1)).sum(axis=0)
        lengths = np.where(total[:, 0] > 0, 0.0, lengths)
    owed[ROWS.index(IDLE)] += lengths.sum()
    count = len(spans.epochs)
    seconds = sum(span.end - span.start for span in spans.epochs) / count / 1e9
    return Split(count, seconds, dict(zip(ROWS, (owed / count / 1e9).tolist(), strict=True)))


def _at_device(spans: Spans, times: np.ndarray, threads: int) -> np.ndarray:
    """f64[len(times) - 1, len(ROWS)]: operations, and handed work on the threads that are left."""
    called, handed = (_at_work(group, times, ROWS) for group in (spans.operations, spans.handed))
    free = np.maximum(threads - called.sum(axis=1, keepdims=True), 0)
    waiting = np.maximum(handed.sum(axis=1, keepdims=True), 1)
    return called + handed * np.minimum(free / waiting, 1.0)


def _at_work(spans: list[Span], times: np.ndarray, names) -> np.ndarray:
    """int[len(times) - 1, len(names)]: spans of each name between one time and the next."""
    change = np.zeros((len(times), len(names)), np.int32)
    if spans:
        starts, ends, phases = zip(*spans, strict=True)
        columns = [names.index(phase or UNMARKED) for phase in phases]
        np.add.at(change, (np.searchsorted(times, starts), columns), 1)
        np.add.at(change, (np.searchsorted(times, ends), columns), -1)
    return change.cumsum(axis=0)[:-1]
