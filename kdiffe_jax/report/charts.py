"""Charts as SVG within the page; colours and fonts are those of style.css."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kdiffe_jax.report.axes import Axis, count_axis, value_axis
from kdiffe_jax.report.markup import Markup, element, joined

COLOURS = 8
_WIDTH, _HEIGHT = 380, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 368, 10, 174
_MOST_COLUMNS = 120


class Line(NamedTuple):
    """One value an epoch, from epoch 0 on; `chosen` is the epoch that is marked."""

    name: str
    values: Sequence[float]
    chosen: int | None = None


class Bars(NamedTuple):
    """One value a group."""

    name: str
    values: Sequence[float]


def line_chart(title: str, lines: Sequence[Line]) -> Markup:
    """Values by epoch with the chosen epochs marked; the values appear under the pointer.

    Args:
      lines: at least one, each with at least one value. Lines of one name share a colour. With
        more names than there are colours all have the first.
    """
    epochs = max(len(line.values) for line in lines)
    across = count_axis(epochs - 1, _LEFT, _RIGHT)
    up = value_axis([v for line in lines for v in line.values if math.isfinite(v)], _BOTTOM, _TOP)
    drawn = [_grid(up), _epochs(across)]
    drawn += _rules(lines, across)
    names = list(dict.fromkeys(line.name for line in lines))
    for line in lines:
        drawn.append(_curve(line, across, up, _colour(names.index(line.name), len(names))))
    drawn += _columns(lines, across, epochs)
    return _figure(title, names, drawn)


def bar_chart(
    title: str,
    groups: Sequence[str],
    bars: Sequence[Bars],
    *,
    label: str,
    words: Callable[[float], str],
) -> Markup:
    """Bars side by side in groups; the values appear under the pointer.

    Args:
      groups: names below the bars.
      bars: each with one value a group, not negative.
      label: what the groups are.
    """
    up = value_axis([0.0, *(v for b in bars for v in b.values)], _BOTTOM, _TOP)
    slot = (_RIGHT - _LEFT) / len(groups)
    width = 0.8 * slot / len(bars)
    drawn = [_grid(up, words), _label(label)]
    for place, group in enumerate(groups):
        left = _LEFT + (place + 0.1) * slot
        drawn.append(_text(left + 0.4 * slot, _BOTTOM + 16, group, "middle"))
        for which, each in enumerate(bars):
            said = f"{label} {group}\n{each.name}: {words(each.values[place])}"
            top = up.place(each.values[place])
            x, height = left + which * width, max(0.0, _BOTTOM - top)
            shape = dict(x=_at(x), y=_at(top), width=_at(width - 1), height=_at(height))
            drawn.append(element("rect", element("title", said), class_=f"bar s{which}", **shape))
    return _figure(title, [each.name for each in bars], drawn)


def meter(share: float, said: str) -> Markup:
    """A small bar for a share within a table."""
    full = element("rect", width=60, height=8, class_="rail", rx=2)
    part = element("rect", width=_at(60 * share), height=8, class_="bar s0", rx=2)
    size = dict(viewBox="0 0 60 8", width=60, height=8)
    return element("svg", element("title", said), full, part, class_="meter", role="img", **size)


def _figure(title: str, names: Sequence[str], drawn: Sequence[Markup]) -> Markup:
    size = dict(viewBox=f"0 0 {_WIDTH} {_HEIGHT}")
    picture = element("svg", *drawn, role="img", aria_label=title, **size)
    legend = []
    if 1 < len(names) <= COLOURS:
        keys = (
            element("li", element("i", class_=f"key s{place}"), name)
            for place, name in enumerate(names)
        )
        legend = [element("ul", *keys, class_="legend")]
    return element("figure", element("figcaption", title), *legend, picture)


def _colour(place: int, of: int) -> str:
    return f"s{place}" if of <= COLOURS else "s0 faint"


def _grid(up: Axis, words: Callable[[float], str] | None = None) -> Markup:
    names = up.names() if words is None else map(words, up.ticks)
    parts = []
    for tick, name in zip(up.ticks, names, strict=True):
        y = up.place(tick)
        parts += [_path([(_LEFT, y), (_RIGHT, y)], "grid"), _text(_LEFT - 6, y + 3.5, name, "end")]
    return joined(parts)


def _epochs(across: Axis) -> Markup:
    ticks = zip(across.ticks, across.names(), strict=True)
    marks = (_text(across.place(tick), _BOTTOM + 16, name, "middle") for tick, name in ticks)
    return joined([*marks, _label("epoch")])


def _rules(lines: Sequence[Line], across: Axis) -> list[Markup]:
    """An upright line at the epoch that was chosen, where all lines share it."""
    chosen = {line.chosen for line in lines}
    if len(chosen) != 1 or None in chosen:
        return []
    x = across.place(chosen.pop())
    return [_path([(x, _TOP), (x, _BOTTOM)], "rule")]


def _curve(line: Line, across: Axis, up: Axis, colour: str) -> Markup:
    points = [
        (across.place(epoch), up.place(value))
        for epoch, value in enumerate(line.values)
        if math.isfinite(value)
    ]
    parts = [_path(points, f"line {colour}")]
    if line.chosen is not None and math.isfinite(line.values[line.chosen]):
        x, y = across.place(line.chosen), up.place(line.values[line.chosen])
        parts.append(element("circle", cx=_at(x), cy=_at(y), r=4, class_=f"dot {colour}"))
    elif len(points) == 1:
        (x, y) = points[0]
        parts.append(element("circle", cx=_at(x), cy=_at(y), r=2, class_=f"dot {colour}"))
    return joined(parts)


def _columns(lines: Sequence[Line], across: Axis, epochs: int) -> list[Markup]:
    """Unseen columns over the chart that say the values of an epoch."""
    step = -(-epochs // _MOST_COLUMNS)
    width = step * (_RIGHT - _LEFT) / max(1, epochs - 1)
    columns = []
    for epoch in range(0, epochs, step):
        x = max(_LEFT, across.place(epoch) - width / 2)
        shape = dict(x=_at(x), y=_TOP, width=_at(min(width, _RIGHT - x)), height=_BOTTOM - _TOP)
        said = element("title", _said(lines, epoch))
        columns.append(element("rect", said, class_="column", **shape))
    return columns


def _said(lines: Sequence[Line], epoch: int) -> str:
    values: dict[str, list[str]] = {}
    for line in lines:
        if epoch < len(line.values):
            chosen = " (chosen)" if line.chosen == epoch else ""
            values.setdefault(line.name, []).append(f"{line.values[epoch]:.5g}{chosen}")
    of_lines = (f"{name}: {', '.join(own)}" for name, own in values.items())
    return "\n".join([f"epoch {epoch}", *of_lines])


def _label(name: str) -> Markup:
    return _text((_LEFT + _RIGHT) / 2, _HEIGHT - 4, name, "middle", class_="label")


def _text(x: float, y: float, said: str, anchor: str, **attributes) -> Markup:
    return element("text", said, x=_at(x), y=_at(y), text_anchor=anchor, **attributes)


def _path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    places = "L".join(f"{_at(x)} {_at(y)}" for x, y in points)
    return element("path", d=f"M{places}", class_=kind)


def _at(place: float) -> str:
    return f"{place:.1f}".removesuffix(".0")
