"""A page as one file: its head, and the style that all pages share."""

from __future__ import annotations

from importlib import resources
from typing import Any

from kdiffe_jax.report.markup import Markup, element

_META = Markup(
    '<meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
)


def document(title: str, *content: Any) -> str:
    """A whole page that loads nothing.

    Args:
      title: in the head.
      content: markup, or text to be escaped.
    """
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    head = element("head", _META, element("title", title), element("style", Markup(style)))
    body = element("body", element("main", *content))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
