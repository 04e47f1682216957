"""The results of `benchmarks.large_graphs` as a log-log figure."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.large.report import PEAKS, SECONDS, Results, exponent, series


def draw(results: Results, path: Path) -> None:
    """Seconds and peak memory of every stage over the number of users, with exponents."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, places, title in zip(
        panels, (SECONDS, PEAKS), ("seconds", "peak memory, GB"), strict=True
    ):
        for name, place in places.items():
            sizes, values = series(results, place)
            if len(sizes):
                label = f"{name} ({exponent(sizes, values):.2f})" if len(sizes) > 1 else name
                panel.plot(sizes, values, marker="o", markersize=4, label=label)
        panel.set(xscale="log", yscale="log", title=title, xlabel="users, and items")
        panel.grid(True, which="major", alpha=0.3)
        panel.legend(title="stage (exponent)", fontsize=8, title_fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
