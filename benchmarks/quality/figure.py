"""What quality.json holds, as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.quality.curves import ENOUGH, UNITS, Curve
from benchmarks.quality.report import Results, curve_of
from benchmarks.quality.systems import EASE, IMPLICIT, TORCH, label
from kdiffe_jax.studies.figures import COLOURS

_GAP = 0.06  #: between labels, of the height
_DASHES = {TORCH: (0, (4, 1.5)), IMPLICIT: (0, (1, 1)), EASE: (0, (5, 1, 1, 1))}


def draw(results: Results, file: Path, clock: str = "cpu") -> None:
    """Validation recall against seconds: a line a system, a dot where it is near its best.

    A colour is a model's, a dash a program's; the labels lead to the best points.

    Args:
      results: of at least one system.
      file: a picture of any kind that matplotlib writes.
      clock: of `CLOCKS`, that the seconds are of.
    """
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axes, curves = figure.subplots(), {name: curve_of(one) for name, one in results.items()}
    colours = colours_of(list(curves))
    for system, curve in curves.items():
        look = dict(color=colours[system], linestyle=_dash(system), linewidth=1.6)
        axes.plot(curve.seconds, curve.recalls, **look)
        reached = curve.seconds_to_own()
        axes.plot(reached, curve.recalls[curve.seconds.index(reached)], "o", color=colours[system])
    axes.set(xscale="log", ylim=(0, None))
    axes.set(
        xlabel=f"{UNITS[clock]}; a dot: {ENOUGH:.0%} of its own best",
        ylabel="validation recall@20",
    )
    axes.spines[["top", "right"]].set_visible(False)
    _label_bests(axes, curves, colours)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)


def colours_of(systems: list[str]) -> dict[str, str]:
    """One colour for a model, whichever program it is of; black for EASE."""
    models = {system.removeprefix(TORCH): None for system in systems if system != EASE}
    of_model = {model: COLOURS[i % len(COLOURS)] for i, model in enumerate(models)}
    return {s: "black" if s == EASE else of_model[s.removeprefix(TORCH)] for s in systems}


def heights_of(wanted: Mapping[str, float], gap: float) -> dict[str, float]:
    """Heights in the order of those wanted, no two nearer than a gap, none above 1.

    >>> heights_of({"b": 0.5, "a": 0.5, "c": 0.75}, 0.25)
    {'b': 0.5, 'a': 0.75, 'c': 1.0}
    >>> heights_of({"a": 0.75, "b": 1.0, "c": 1.0}, 0.25)
    {'a': 0.5, 'b': 0.75, 'c': 1.0}
    """
    found: dict[str, float] = {}
    lowest = float("-inf")
    for name in sorted(wanted, key=wanted.__getitem__):
        found[name] = lowest = max(wanted[name], lowest)
        lowest += gap
    above = max(0.0, max(found.values()) - 1.0)
    return {name: height - above for name, height in found.items()}


def _label_bests(axes, curves: Mapping[str, Curve], colours: Mapping[str, str]) -> None:
    top = axes.get_ylim()[1]
    heights = heights_of({name: max(curve.recalls) / top for name, curve in curves.items()}, _GAP)
    for system, curve in curves.items():
        axes.annotate(
            label(system),
            xy=(curve.seconds[curve.best], curve.recalls[curve.best]),
            xytext=(1.03, heights[system]),
            textcoords="axes fraction",
            color=colours[system],
            va="center",
            arrowprops=dict(arrowstyle="-", color=colours[system], linewidth=0.5, alpha=0.5),
        )


def _dash(system: str):
    return next((dash for name, dash in _DASHES.items() if system.startswith(name)), "-")
