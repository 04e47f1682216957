"""The results of `benchmarks.large_graphs` as tables, with what they grow like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.large.stages import STAGES

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
# What is measured of a stage: its name in the tables, and where it stands in the results.
SECONDS = {
    "tables": ("tables", "seconds"),
    "prepare": ("prepare", "seconds"),
    "S": ("S", "seconds"),
    "train": ("train", "seconds"),
    "its epoch": ("train", "epoch_seconds"),
    "evaluate": ("evaluate", "seconds"),
    "its ranking": ("evaluate", "work_seconds"),
}
CORE_SECONDS = {stage: (stage, "core_seconds") for stage in STAGES}
PEAKS = {stage: (stage, "peak_gb") for stage in STAGES}


def report(results: Results) -> str:
    """All tables, in the form of benchmarks/results/large-graphs.md."""
    return "\n\n".join(
        (
            _table("seconds", SECONDS, results),
            _table("core seconds", CORE_SECONDS, results),
            _table("peak GB", PEAKS, results, digits=2),
        )
    )


def series(results: Results, place: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """The sizes that have a measurement, ascending, and its values."""
    stage, name = place
    sizes = sorted(int(size) for size in results if name in results[size].get(stage, {}))
    return np.array(sizes), np.array([results[str(size)][stage][name] for size in sizes])


def exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """b of values = a sizes^b by least squares of the logarithms; NaN of fewer than two.

    >>> round(exponent(np.array([10, 100, 1000]), np.array([2.0, 20.0, 200.0])), 3)
    1.0
    """
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _table(what: str, rows: Mapping[str, tuple[str, str]], results: Results, digits: int = 0):
    sizes = sorted(map(int, results))
    heads = [what, *(f"{size:,}" for size in sizes), "exponent"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for label, place in rows.items():
        found = dict(zip(*(array.tolist() for array in series(results, place)), strict=True))
        cells = [f"{found[size]:,.{digits}f}" if size in found else "-" for size in sizes]
        fitted = exponent(*series(results, place))
        lines.append(f"| {' | '.join([label, *cells])} | {fitted:.2f} |")
    return "\n".join(lines)
