"""Seconds an epoch of every model beside its torch.sparse form, as a picture (needs matplotlib).

    python -m benchmarks.plot_models benchmarks/results/models.md docs/images/models.png

The first file is a report of benchmarks/models.py; its table is what is drawn.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

_TIMES = re.compile(r"([\d.]+) \(([\d.]+)-([\d.]+)\)")


class Times(NamedTuple):
    """Seconds: the median of the rounds, the least and the most."""

    median: float
    low: float
    high: float


class Model(NamedTuple):
    """A row of the table; without a form in torch, `torch` and `ratio` are None."""

    name: str
    ours: Times
    torch: Times | None
    ratio: str | None


def models_of(text: str) -> list[Model]:
    """The measured models of a report, the fastest first.

    >>> models_of("| bm3 | 9 | 15.2 | 2.06 (1.97-2.14) | 3.13 (2.97-3.29) | 1.52 (1.51-1.53) | - |")
    [Model(name='bm3', ours=Times(median=2.06, low=1.97, high=2.14), \
torch=Times(median=3.13, low=2.97, high=3.29), ratio='1.52')]

    Raises:
      ValueError: no row has an epoch's seconds.
    """
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found = [_model(cells) for cells in rows if len(cells) > 5 and _TIMES.match(cells[3])]
    if not found:
        raise ValueError("no row has an epoch's seconds; give a report of benchmarks.models")
    return sorted(found, key=lambda model: model.ours.median)


def _model(cells: Sequence[str]) -> Model:
    ours, torch = _times(cells[3]), _times(cells[4])
    assert ours is not None
    return Model(cells[0], ours, torch, None if torch is None else cells[5].split()[0])


def _times(cell: str) -> Times | None:
    match = _TIMES.match(cell)
    return None if match is None else Times(*map(float, match.groups()))


def draw(models: Sequence[Model], path: Path) -> None:
    """A row a model: median and range of ours and torch's, and the ratio of the medians."""
    figure = Figure(figsize=(8, 0.36 * len(models) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, model in enumerate(models):
        _point(axes, place, model.ours, "C0", "o", "kdiffe_jax")
        if model.torch is not None:
            _point(axes, place, model.torch, "C1", "s", "torch.sparse")
            _beside(axes, place, f"{model.ratio} x")
    _beside(axes, -0.8, "torch / ours")
    axes.set_yticks(range(len(models)), [model.name for model in models])
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="seconds an epoch: median and range of the rounds")
    ticks = [1, 2, 5, 10, 20, 40]
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.grid(True, axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), frameon=False, loc="lower left")
    figure.savefig(path, dpi=130)


def _point(axes, place: int, times: Times, colour: str, marker: str, label: str) -> None:
    axes.plot([times.low, times.high], [place, place], color=colour, linewidth=2, alpha=0.5)
    axes.plot(times.median, place, marker, color=colour, markersize=6, label=label)


def _beside(axes, place: float, text: str) -> None:
    axes.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center")


def main(argv: Sequence[str]) -> int:
    """Draws the figure."""
    if len(argv) != 3:
        raise SystemExit("usage: python -m benchmarks.plot_models REPORT.md PICTURE.png")
    try:
        models = models_of(Path(argv[1]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {argv[1]}: {error}") from None
    draw(models, Path(argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
