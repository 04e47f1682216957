"""HTML and SVG as text: everything that is not markup already is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

_TITLE = re.compile(r'<section id="([^"]+)"><h2>(.*?)</h2>')


class Markup(str):
    """Text that is HTML already and goes into a page as it is."""

    __slots__ = ()


def escaped(content: Any) -> Markup:
    """Anything as markup: markup as it is, other text escaped.

    >>> escaped("<script>")
    '&lt;script&gt;'
    """
    return content if isinstance(content, Markup) else Markup(html.escape(str(content)))


def joined(parts: Iterable[Any]) -> Markup:
    """Many pieces as one."""
    return Markup("".join(map(escaped, parts)))


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """One element of HTML or SVG.

    Args:
      name: the tag.
      children: markup, or text to be escaped.
      attributes: `class_` for `class`, `stroke_width` for `stroke-width`; None is left out.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def table(
    columns: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    texts: int = 1,
    strong: Iterable[int] = (),
    caption: str | None = None,
) -> Markup:
    """A table that scrolls sideways where it is wider than the page, also by the keyboard.

    Args:
      columns: the heads.
      rows: as many cells each.
      texts: the first columns, which are texts; the others are figures.
      strong: places of the rows that stand out.
      caption: what the table shows.
    """
    kinds = ["text" if place < texts else "figure" for place in range(len(columns))]
    strong = set(strong)
    head = element("tr", *_cells("th", columns, kinds))
    body = (
        element("tr", *_cells("td", row, kinds), class_="strong" if place in strong else None)
        for place, row in enumerate(rows)
    )
    title = [] if caption is None else [element("caption", element("span", caption))]
    inner = element("table", *title, element("thead", head), element("tbody", *body))
    named = dict(role="region", aria_label=caption or "Table", tabindex=0)
    return element("div", inner, class_="scroll", **named)


def _cells(name: str, row: Sequence[Any], kinds: Sequence[str]) -> list[Markup]:
    scope = "col" if name == "th" else None
    return [
        element(name, cell, class_=kind, scope=scope) for cell, kind in zip(row, kinds, strict=True)
    ]


def details(summary: Any, *children: Any) -> Markup:
    """What is folded until it is asked for."""
    return element("details", element("summary", summary), *children)


def section(name: str, title: str, *children: Any) -> Markup:
    """A part of the page, with a name that links lead to."""
    return element("section", element("h2", title), *children, id=name)


def links(sections: Iterable[Markup]) -> Markup:
    """Links to the sections among these parts."""
    named = [found.groups() for part in sections if (found := _TITLE.match(part))]
    return element("nav", *(element("a", Markup(title), href=f"#{name}") for name, title in named))


def note(*children: Any) -> Markup:
    """A sentence beside what is shown."""
    return element("p", *children, class_="note")
