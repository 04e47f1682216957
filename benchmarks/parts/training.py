"""A whole training to its early stop, process start and final scores included."""

from __future__ import annotations

from benchmarks.harness import Case, Part, Timed
from benchmarks.parts.launched import Launched, launch, prepared_data
from benchmarks.parts.sizes import Sizes


def part(sizes: Sizes) -> Part:
    """One training in a process of its own, with the default settings."""
    data = prepared_data(sizes)
    done: list[Launched] = []

    def train() -> Timed:
        done.append(launch(data, data.parents[1] / "of-training", []))
        return Timed(done[-1].ended, done[-1].cpu, done[-1].peak_mb)

    return Part(
        f"training to the early stop at the sizes of {sizes.name}, default settings",
        [Case("whole training", train)],
        check=lambda: None,
        remarks=lambda rows: [f"It took {len(done[-1].epoch_seconds)} epochs."],
        rounds=1,
    )
