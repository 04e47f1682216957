"""Ten seeds in one program against ten single runs, one after another."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Case, Part, Row, Timed
from benchmarks.parts.launched import Launched, launch, prepared_data
from benchmarks.parts.sizes import Sizes

_SEEDS, _EPOCHS = 10, 4


def part(sizes: Sizes) -> Part:
    """A few epochs of every seed, process start, compilation and final scores included."""
    data = prepared_data(sizes)
    flags = [f"--epochs={_EPOCHS}", f"--patience={_EPOCHS}"]
    together: list[Launched] = []
    alone: list[Launched] = []

    def one_program() -> Timed:
        together[:] = [launch(data, _empty_cache(data), [*flags, f"--num_seeds={_SEEDS}"])]
        return _all(together)

    def single_runs() -> Timed:
        cache = _empty_cache(data)
        alone[:] = [launch(data, cache, [*flags, f"--seed={seed}"]) for seed in range(_SEEDS)]
        return _all(alone)

    def remarks(rows: list[Row]) -> list[str]:
        return [
            f"The last epoch of all seeds takes {_last_epoch(together):.2f} s in one program and "
            f"{_last_epoch(alone):.2f} s in single runs, the sum of {_SEEDS}.",
        ]

    return Part(
        f"{_SEEDS} seeds of {_EPOCHS} epochs at the sizes of {sizes.name}; both begin with an "
        "empty cache directory, which the single runs share; memory of the largest process",
        [
            Case("one program", one_program),
            Case("single runs, one after another", single_runs, baseline=True),
        ],
        check=lambda: None,
        remarks=remarks,
        rounds=1,
    )


def _empty_cache(data: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix="cache-", dir=data.parents[1]))


def _all(runs: list[Launched]) -> Timed:
    return Timed(
        sum(run.ended for run in runs),
        sum(run.cpu for run in runs),
        max(run.peak_mb for run in runs),
    )


def _last_epoch(runs: list[Launched]) -> float:
    return sum(run.epoch_seconds[-1] for run in runs)
