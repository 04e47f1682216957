"""Names of the marks of a figure, none over another."""

from __future__ import annotations

from collections.abc import Sequence


def name_marks(axes, points: Sequence[tuple[str, float, float, str]]) -> None:
    """Names beside the marks, at the nearest place that no other mark or name has.

    Args:
      axes: of matplotlib, with the marks.
      points: name, x, y and colour of each.
    """
    axes.figure.draw_without_rendering()
    where = [axes.transData.transform(p[1:3]) * 72 / axes.figure.dpi for p in points]
    taken = [(across - 4, across + 4, up) for across, up in where]
    for (name, x, y, colour), (across, up) in zip(points, where, strict=True):
        wide = 5.0 * len(name)
        rises = sorted((3.0 * step for step in range(-50, 51)), key=abs)
        places = [(left, rise) for rise in rises for left in (6.0, -6.0 - wide)]
        left, rise = next(
            (p for p in places if _is_free(across + p[0], wide, up + p[1], taken)), places[0]
        )
        taken.append((across + left, across + left + wide, up + rise))
        line = dict(arrowstyle="-", color=colour, linewidth=0.5) if abs(rise) > 6 else None
        style = dict(color=colour, fontsize=8, textcoords="offset points", arrowprops=line)
        axes.annotate(name, (x, y), xytext=(left, rise - 3), **style)


def _is_free(left: float, wide: float, up: float, taken: Sequence[tuple[float, ...]]) -> bool:
    return all(low > left + wide or high < left or abs(h - up) >= 9 for low, high, h in taken)
