"""What quality.json holds, as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.quality.curves import ENOUGH, UNITS, Curve
from benchmarks.quality.systems import TORCH, label

Results = Mapping[str, Mapping[str, Any]]


def _head(unit: str) -> tuple[str, ...]:
    return (
        "system",
        "points, the best",
        "best validation recall@20",
        "test recall@20",
        "test ndcg@20",
        f"{unit} to {ENOUGH:.0%} of its own best",
        f"{unit} to {ENOUGH:.0%} of the best LightGCN",
        f"{unit} in all",
        "peak GB",
    )


def curve_of(result: Mapping[str, Any]) -> Curve:
    """The curve of a system."""
    return Curve(**result["curve"])


def lightgcn_level(results: Results) -> float | None:
    """The best validation recall of LightGCN, ours or torch's; None where neither ran."""
    curves = [curve_of(results[n]) for n in ("lightgcn", f"{TORCH}lightgcn") if n in results]
    return max((curve.recalls[curve.best] for curve in curves), default=None)


def table(results: Results, clock: str = "cpu") -> str:
    """A row a system, and lines on what was chosen."""
    unit, level = UNITS[clock], lightgcn_level(results)
    lines = [_head(unit), ("---",) * len(_head(unit))]
    for system, result in results.items():
        lines.append(_cells(system, result, level))
    notes = [_chosen(label(s), result, unit) for s, result in results.items() if result["setting"]]
    if level is not None:
        notes.append(f"The best LightGCN has {level:.4f} on validation.")
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in lines), "", *notes])


def _cells(system: str, result: Mapping[str, Any], level: float | None) -> tuple[str, ...]:
    curve, test = curve_of(result), result["test"]
    to_level = None if level is None else curve.seconds_to(ENOUGH * level)
    return (
        label(system),
        f"{len(curve.recalls)}, {curve.best}",
        f"{curve.recalls[curve.best]:.4f}",
        f"{test['recall@20']:.4f}",
        f"{test['ndcg@20']:.4f}",
        _seconds(curve.seconds_to_own()),
        _seconds(to_level),
        _seconds(curve.seconds[-1]),
        f"{result['peak_gb']:.2f}",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _chosen(name: str, result: Mapping[str, Any], unit: str) -> str:
    spent = result["choosing"]
    all_of_it = "" if spent is None else f"; all settings together took {spent:.1f} {unit}"
    return f"{name}: validation chose {result['setting']}{all_of_it}."
