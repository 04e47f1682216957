"""Two figures of a knowledge graph: how often entities occur, and how many an item has."""

from __future__ import annotations

import math
import textwrap
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.files import replacing

MOST_PANELS = 12  #: the largest relations have one each; all others share the last
_COLUMNS = 3
_MOST_LINEAR = 20
_WIDTH_OF_NAMES, _WIDTH_OF_TITLE = 26, 60
_COLOUR, _OF_OTHERS = "#0072b2", "#6b6b6b"


class Panel(NamedTuple):
    """A relation, or several that share a panel: a name and their triples, i32[m, 3]."""

    name: str
    triples: np.ndarray
    several: bool = False


def draw_figures(dataset: Dataset, directory: str | Path) -> list[Path]:
    """Writes `entity_frequency.png` and `entities_per_item.png`, a panel a relation.

    Raises:
      DataError: matplotlib, the extra `[plots]`, is not installed, or the directory
        cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DataError("figures need matplotlib: pip install 'kdiffe_jax[plots]'") from error
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{directory}: not written: {error.strerror}; choose --figures") from error
    paths = []
    for name, draw in (("entity_frequency", draw_frequency), ("entities_per_item", draw_per_item)):
        path = directory / f"{name}.png"
        with replacing(path) as draft, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a box stands for it
            figure = Figure(layout="constrained")
            draw(figure, dataset)
            figure.savefig(draft, dpi=150, format="png")
        paths.append(path)
    return paths


def panels_of(dataset: Dataset) -> list[Panel]:
    """A panel a relation, the largest first, at most `MOST_PANELS`; the last has all others."""
    relations = dataset.triples[:, 1]
    sizes = np.bincount(relations, minlength=len(dataset.relation_names))
    order = np.argsort(-sizes, kind="stable").tolist()
    own = order if len(order) <= MOST_PANELS else order[: MOST_PANELS - 1]
    panels = [Panel(dataset.relation_names[r], dataset.triples[relations == r]) for r in own]
    others = order[len(own) :]
    if others:
        name = f"and {len(others)} more together"
        panels.append(Panel(name, dataset.triples[np.isin(relations, others)], several=True))
    return panels


def draw_frequency(figure: Any, dataset: Dataset) -> None:
    """By rank, how many items each entity has; logarithmic, ticks at whole numbers.

    Args:
      figure: of matplotlib, empty.
    """
    panels = panels_of(dataset)
    all_axes = _grid(figure, panels, dataset, "how many items each entity has")
    longest = 1
    for axes, panel in zip(all_axes, panels, strict=False):
        counts = np.sort(np.unique(panel.triples[:, 2], return_counts=True)[1])[::-1]
        longest = max(longest, len(counts))
        ranks = np.arange(1, len(counts) + 1)
        marker = "o" if len(counts) == 1 else None
        axes.step(ranks, counts, where="post", marker=marker, color=_colour(panel))
    for axes in all_axes:
        axes.axhline(dataset.n_items, color="0.5", linestyle=":", linewidth=1)
        _logarithmic(axes, "x", longest)
        _logarithmic(axes, "y", dataset.n_items)
    figure.supxlabel("entities, the most frequent first", fontsize=9)
    figure.supylabel(f"items; dotted: all {dataset.n_items:,}", fontsize=9)


def draw_per_item(figure: Any, dataset: Dataset) -> None:
    """Share of the items with at least so many entities; ticks at whole numbers of entities.

    Args:
      figure: of matplotlib, empty.
    """
    panels = panels_of(dataset)
    all_axes = _grid(figure, panels, dataset, "how many entities each item has")
    shares = [_shares(panel, dataset.n_items) for panel in panels]
    most = max([1, *map(len, shares)])
    for axes, panel, share in zip(all_axes, panels, shares, strict=False):
        numbers = np.arange(1, len(share) + 1)
        if most > _MOST_LINEAR:
            axes.plot(numbers, share, ".-", color=_colour(panel))
        else:
            axes.bar(numbers, share, color=_colour(panel))
    for axes in all_axes:
        if most > _MOST_LINEAR:
            _logarithmic(axes, "x", most)
        else:
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.set_xlim(0.5, max(3, most) + 0.5)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set_ylim(0, 1.05)
    figure.supxlabel("at least so many entities", fontsize=9)
    figure.supylabel("share of all items", fontsize=9)


def _shares(panel: Panel, n_items: int) -> np.ndarray:
    """f64[most]: the share of all items with at least 1, 2, ... of the panel's entities."""
    counts = np.bincount(panel.triples[:, 0], minlength=n_items)
    return np.bincount(counts)[::-1].cumsum()[::-1][1:] / n_items


def _colour(panel: Panel) -> str:
    return _OF_OTHERS if panel.several else _COLOUR


def _grid(figure: Any, panels: list[Panel], dataset: Dataset, what: str) -> list[Any]:
    """The axes, one a panel; one with a word where there is no relation."""
    columns = 2 if len(panels) == 4 else max(1, min(_COLUMNS, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    figure.set_size_inches(max(5.4, 3.2 * columns), 0.9 + 2.3 * rows)
    title = f"{dataset.name}: {what}"
    if any(panel.several for panel in panels):
        own, every = len(panels) - 1, len(dataset.relation_names)
        title += f"; the {own} largest of {every} relations, and the others together"
    figure.suptitle("\n".join(textwrap.wrap(title, _WIDTH_OF_TITLE)), parse_math=False)
    cells = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, panel in zip(cells, panels, strict=False):
        name = textwrap.shorten(panel.name, _WIDTH_OF_NAMES, placeholder=" …") or panel.name
        title = f"{name}: {len(panel.triples):,} triple{'s' * (len(panel.triples) != 1)}"
        axes.set_title(title, fontsize=9, parse_math=False)
    if not panels:
        cells[0].set_title("no relation", fontsize=9)
    used = max(1, len(panels))
    for spare in cells[used:]:
        spare.set_visible(False)
    for axes in cells[max(0, used - columns) : used]:
        axes.tick_params(labelbottom=True)
    for axes in cells[:used]:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return list(cells[:used])


def _logarithmic(axes: Any, which: str, most: int) -> None:
    """A logarithmic axis from 1 to `most` whose ticks are whole numbers, written out."""
    axes.set(**{f"{which}scale": "log", f"{which}lim": (0.8, max(2, most) * 1.3)})
    axis = getattr(axes, f"{which}axis")
    ticks = whole_ticks(most)
    axis.set_ticks(ticks, [_short(tick) for tick in ticks])
    axis.set_ticks([], minor=True)


def whole_ticks(most: int) -> list[int]:
    """At most six ticks from 1 on for a logarithmic axis: 1, 2, 5, 10, ... or powers of ten.

    >>> whole_ticks(4), whole_ticks(60), whole_ticks(90_000)
    ([1, 2, 4], [1, 2, 5, 10, 20, 50], [1, 10, 100, 1000, 10000])
    """
    if most <= 4:
        return [1, 2, 3, 4][:most] if most < 4 else [1, 2, 4]
    fine = [step * 10**power for power in range(len(str(most))) for step in (1, 2, 5)]
    fine = [tick for tick in fine if tick <= most]
    if len(fine) <= 6:
        return fine
    powers = [tick for tick in fine if str(tick).strip("0") == "1"]
    return powers[:: math.ceil(len(powers) / 6)]


def _short(number: int) -> str:
    """A whole number as an axis has room for it.

    >>> _short(500), _short(20_000), _short(1_000_000)
    ('500', '20k', '1M')
    """
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if number >= size and number % size == 0:
            return f"{number // size}{letter}"
    return str(number)
