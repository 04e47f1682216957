"""From the start of the process to the first training step, on a first and a second run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Case, Part, Timed
from benchmarks.parts.launched import launch, prepared_data
from benchmarks.parts.sizes import Sizes

_EPOCHS = 2


def part(sizes: Sizes) -> Part:
    """Two epochs in a process of its own; the time to the first step is told by subtraction."""
    data = prepared_data(sizes)
    caches: list[Path] = []

    def first_run() -> Timed:
        caches.append(Path(tempfile.mkdtemp(prefix="cache-", dir=data.parents[1])))
        return _time_to_first_step(data, caches[-1])

    def second_run() -> Timed:
        return _time_to_first_step(data, caches[-1])

    return Part(
        f"start to first step at the sizes of {sizes.name}: the end of epoch {_EPOCHS} less "
        f"{_EPOCHS} times its length; CPU and memory are those of the whole process",
        [
            Case("first run, empty cache directory", first_run, baseline=True),
            Case("second run, cache of the first", second_run),
        ],
        check=lambda: None,
        rounds=2,
    )


def _time_to_first_step(data: Path, cache: Path) -> Timed:
    done = launch(data, cache, [f"--epochs={_EPOCHS}"])
    return Timed(
        seconds=done.last_epoch_ended - _EPOCHS * done.epoch_seconds[-1],
        cpu=done.cpu,
        peak_mb=done.peak_mb,
    )
