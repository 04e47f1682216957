"""--profile: the one-screen split of where an epoch's time goes."""

from __future__ import annotations

import statistics

from kdiffe_jax.profile.programs import Memory
from kdiffe_jax.profile.recorder import Recorder
from kdiffe_jax.profile.split import IDLE, UNMARKED

_LABELS = {
    "batches": "batches drawn",
    "views": "views, main and contrastive",
    "info_nce": "InfoNCE",
    "ranking_loss": "ranking loss",
    "denoiser": "denoiser, ELBO",
    "norm_adam": "norm and Adam",
    "rebuild": "rebuild",
    "encode": "encode",
    "evaluation": "evaluation",
    "checkpoint": "checkpoint",
    UNMARKED: "operations without a phase",
    IDLE: "between operations",
}


def profile_lines(recorder: Recorder) -> str:
    """The mean traced epoch, largest share first, as aligned text."""
    split = recorder.split
    if split is None:
        return (
            "profile: no epoch was traced; it takes a second epoch in one process, "
            "of a run that is not finished"
        )
    lines = [
        f"profile: the mean of {split.epochs} epoch(s) after the first; trace in {recorder.session}"
    ]
    for name, seconds in sorted(split.rows.items(), key=lambda row: -row[1]):
        if seconds:
            share = f"{100 * seconds / split.seconds:5.1f} %"
            lines.append(_line(_LABELS[name], seconds, share))
    lines.append(_line("epoch", split.seconds, "100.0 %"))
    if recorder.walks is not None:
        origin = "read from the cache" if recorder.walks["cached"] else "computed"
        lines.append(_line("walks, S", recorder.walks["seconds"], f"once, {origin}"))
    if recorder.memory is not None:
        lines.append(_memory(recorder.memory))
    return "\n".join(lines + _tracing(recorder))


def _line(label: str, seconds: float, remark: str) -> str:
    return f"  {label:<28}{1e3 * seconds:10.1f} ms  {remark}"


def _memory(memory: Memory) -> str:
    held, temporary = (f"{size / 2**20:.0f} MiB" for size in (memory.held, memory.temporary))
    return (
        f"  the largest program, {memory.program}, takes {held} of arguments and results "
        f"and {temporary} of temporaries"
    )


def _tracing(recorder: Recorder) -> list[str]:
    traced = [seconds for seconds, traced in recorder.epochs if traced]
    others = [seconds for seconds, traced in recorder.epochs[1:] if not traced]
    if not others:
        return []
    return [
        f"  without checkpoint, an epoch takes {statistics.median(traced):.3f} s while traced "
        f"and {statistics.median(others):.3f} s after (medians)"
    ]
