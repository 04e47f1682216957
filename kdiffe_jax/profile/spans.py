"""From a trace's file to spans of time: phases of the host, operations of the device."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jax.profiler import ProfileData

from kdiffe_jax.ops.trace_phases import EPOCH, MARK
from kdiffe_jax.profile.programs import Programs

_END = "end: "


class Span(NamedTuple):
    """From `start` to `end` in nanoseconds, something was at work for a phase."""

    start: float
    end: float
    phase: str | None


class Spans(NamedTuple):
    """What a trace holds of the program."""

    epochs: list[Span]
    operations: list[Span]
    handed: list[Span]  # work given to other threads, from the call's return to its end
    containers: list[Span]  # loops and calls, around the operations that they run
    host: list[Span]


def read_spans(file: Path, programs: Programs) -> Spans:
    """Reads a trace.

    Operations of programs without any phase are left out: the host's phase stands for them.
    """
    spans, begun, ends = Spans([], [], [], [], []), [], {}
    for event in _events(file):
        name, start = event.name, event.start_ns
        stop = start + event.duration_ns
        if name.startswith(MARK):
            phase = name.removeprefix(MARK)
            (spans.epochs if phase == EPOCH else spans.host).append(Span(start, stop, phase))
        elif name.startswith(_END):
            ends[dict(event.stats).get("_c")] = stop
        else:
            stats = dict(event.stats)
            operation = programs.get((stats.get("hlo_module"), stats.get("hlo_op")))
            if operation is not None:
                begun.append((operation, start, stop, stats.get("_p")))
    for operation, start, stop, task in begun:
        end = max(stop, ends.get(task, stop)) if task is not None else stop
        if operation.container:
            spans.containers.append(Span(start, end, operation.phase))
            continue
        spans.operations.append(Span(start, stop, operation.phase))
        if end > stop:
            spans.handed.append(Span(stop, end, operation.phase))
    return spans


def _events(file: Path):
    for plane in ProfileData.from_file(str(file)).planes:
        for line in plane.lines:
            yield from line.events
