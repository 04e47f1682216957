"""Figures of sweeps and studies: readable in print and without colour; bars are standard errors."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.studies.mark_names import name_marks
from kdiffe_jax.studies.tables import standard_error

# Okabe and Ito: told apart by the colour-blind, and by marker and dash besides.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_GREY = "0.45"


class Line(NamedTuple):
    """One curve: at every x the values of all seeds."""

    label: str
    x: Sequence[float]
    values: Sequence[Sequence[float]]


class Panel(NamedTuple):
    """One pair of axes with its lines; `base` marks the configured value."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log_x: bool = False
    base: float | None = None
    # Name -> height of a horizontal line, in the colours of the lines.
    levels: Mapping[str, float] = {}
    from_zero: bool = False


class Grid(NamedTuple):
    """A table of means as coloured cells."""

    title: str
    x_label: str
    y_label: str
    x: Sequence[Any]
    y: Sequence[Any]
    means: np.ndarray  # [len(y), len(x)]


class Dots(NamedTuple):
    """Rows of values, each drawn as dots, a mean and its standard error."""

    title: str
    x_label: str
    rows: Mapping[str, Sequence[float]]
    zero: bool = False


class Scatter(NamedTuple):
    """Points told apart by their state; `best` is a line through the trials."""

    x_label: str
    y_label: str
    x: Sequence[float]
    y: Sequence[float]
    states: Sequence[str]
    log_x: bool = False
    ticks: Sequence[str] | None = None
    best: Sequence[float] | None = None
    title: str = ""


class Marks(NamedTuple):
    """Named points over a logarithmic axis, told apart by their group: its (name, x, y)."""

    title: str
    x_label: str
    y_label: str
    groups: Mapping[str, Sequence[tuple[str, float, float]]]


def figure_class() -> Any:
    """matplotlib's `Figure`; what ends with a figure asks for it before it begins.

    Raises:
      ConfigError: matplotlib, the extra `[plots]`, is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("figures need matplotlib: pip install 'kdiffe_jax[plots]'") from error
    return Figure


def draw(parts: Sequence[Panel | Grid | Dots | Scatter | Marks], *, columns: int = 3) -> bytes:
    """A figure of one or more parts as PNG.

    Raises:
      ConfigError: as `figure_class`.
    """
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    height = 3.3
    if any(isinstance(part, Dots) for part in parts):
        height = 1.3 + 0.36 * max(len(p.rows) for p in parts if isinstance(p, Dots))
    width = 5.6 if columns < 3 else 4.2
    if any(isinstance(part, Marks) for part in parts):
        width, height = 9.0, 6.0
    figure = figure_class()(figsize=(width * columns, height * rows), layout="constrained")
    for number, part in enumerate(parts):
        axes = figure.add_subplot(rows, columns, number + 1)
        _DRAW[type(part)](axes, part)
        axes.set_title(part.title, fontsize=11)
        axes.tick_params(labelsize=9)
    stream = io.BytesIO()
    figure.savefig(stream, dpi=150, format="png")
    return stream.getvalue()


def _panel(axes, panel: Panel) -> None:
    for number, line in enumerate(panel.lines):
        style = dict(color=COLOURS[number % len(COLOURS)], marker=_MARKERS[number % len(_MARKERS)])
        axes.errorbar(
            line.x,
            [np.mean(values) for values in line.values],
            yerr=[np.nan_to_num(standard_error(values)) for values in line.values],
            label=line.label,
            linestyle="-" if number % 2 == 0 else "--",
            linewidth=1.6,
            markersize=5,
            capsize=3,
            **style,
        )
    for number, (name, height) in enumerate(panel.levels.items()):
        axes.axhline(height, color=COLOURS[number], linestyle=":", linewidth=1.2)
        place = dict(xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
        axes.annotate(name, (1.0, height), color=COLOURS[number], **place)
    if panel.base is not None:
        axes.axvline(panel.base, color="0.8", linewidth=6, zorder=0, label="configured")
    if panel.log_x:
        _log_ticks(axes, sorted({x for line in panel.lines for x in line.x}))
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    if panel.from_zero:
        axes.set_ylim(bottom=0)
    _finish(axes)
    axes.grid(alpha=0.25)
    if len(panel.lines) > 1 or panel.base is not None:
        above = dict(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0)
        axes.legend(frameon=False, fontsize=8, ncols=3, columnspacing=1.0, **above)


def _log_ticks(axes, x: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()


def _grid(axes, grid: Grid) -> None:
    image = axes.imshow(grid.means, cmap="viridis", aspect="auto", origin="lower")
    axes.set_xticks(range(len(grid.x)), grid.x)
    axes.set_yticks(range(len(grid.y)), grid.y)
    low, high = np.nanmin(grid.means), np.nanmax(grid.means)
    for (row, column), mean in np.ndenumerate(grid.means):
        bright = mean > low + 0.6 * (high - low)
        colour = "black" if bright else "white"
        text = f"{mean:.4f}".removeprefix("0")
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel=grid.x_label, ylabel=grid.y_label)
    axes.figure.colorbar(image, ax=axes, format="%.4f").ax.tick_params(labelsize=8)


def _dots(axes, dots: Dots) -> None:
    for row, values in enumerate(dots.rows.values()):
        colour = COLOURS[0] if len(values) > 1 or dots.zero else _GREY
        axes.plot(values, [row] * len(values), ".", color=colour, alpha=0.45, markersize=6)
        error = np.nan_to_num(standard_error(values))
        axes.errorbar(np.mean(values), row, xerr=error, fmt="D", color=colour, capsize=4)
    if dots.zero:
        axes.axvline(0.0, color=_GREY, linestyle=":", linewidth=1.2)
    axes.set_yticks(range(len(dots.rows)), list(dots.rows))
    axes.set_ylim(len(dots.rows) - 0.5, -0.5)
    axes.set_xlabel(dots.x_label)
    axes.locator_params(axis="x", nbins=7)
    _finish(axes)
    axes.grid(axis="x", alpha=0.25)


def _scatter(axes, scatter: Scatter) -> None:
    x, y = np.asarray(scatter.x, float), np.asarray(scatter.y)
    for number, state in enumerate(dict.fromkeys(scatter.states)):
        mine = np.array([s == state for s in scatter.states])
        style = dict(color=COLOURS[number], alpha=0.8, s=22, label=state)
        axes.scatter(x[mine], y[mine], marker=_MARKERS[number], **style)
    if scatter.best is not None:
        style = dict(color=_GREY, linewidth=1.2, where="post", label="best so far")
        axes.step(x, scatter.best, zorder=0, **style)
        axes.legend(frameon=False, fontsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
    if scatter.log_x:
        axes.set_xscale("log")
    if scatter.ticks is not None:
        axes.set_xticks(range(len(scatter.ticks)), scatter.ticks)
        axes.set_xlim(-0.5, len(scatter.ticks) - 0.5)
    axes.set(xlabel=scatter.x_label, ylabel=scatter.y_label)
    _finish(axes)
    axes.grid(alpha=0.25)


def _marks(axes, marks: Marks) -> None:
    for number, (group, points) in enumerate(marks.groups.items()):
        style = dict(color=COLOURS[number], marker=_MARKERS[number], s=34, label=group)
        axes.scatter([x for _, x, _ in points], [y for *_, y in points], **style)
    axes.set_xscale("log")
    axes.margins(0.12, 0.06)
    axes.set(xlabel=marks.x_label, ylabel=marks.y_label)
    _finish(axes)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9)
    name_marks(axes, [(*p, COLOURS[n]) for n, of in enumerate(marks.groups.values()) for p in of])


def _finish(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


_DRAW: dict[type, Callable[[Any, Any], None]] = {
    Panel: _panel,
    Grid: _grid,
    Dots: _dots,
    Scatter: _scatter,
    Marks: _marks,
}
