"""Character references of HTML in texts: `&amp;` is read as `&`."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any

from kdiffe_jax.data.tables.values import LIST_MARK

# Without the semicolon, `&copy` may be part of an address.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def without_references(texts: Sequence[str]) -> tuple[list[str], int]:
    """The texts with what their references stand for, blanks as one, and how many changed.

    Of a list behind `LIST_MARK` every value is a text of its own; it changes as one.

    >>> without_references(["Mommy&#39;s", "Toys &amp; Games", "AT&T"])
    (["Mommy's", 'Toys & Games', 'AT&T'], 2)
    """
    found = [_decoded(text) if "&" in text else text for text in texts]
    changed = sum(new != old for new, old in zip(found, texts, strict=True))
    return found, changed


def _decoded(text: str) -> str:
    if text.startswith(LIST_MARK):
        return LIST_MARK + json.dumps(_within(json.loads(text[1:])), ensure_ascii=False)
    decoded = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    return text if decoded == text else " ".join(decoded.split())


def _within(values: Any) -> Any:
    """The same of every text in lists."""
    if isinstance(values, list):
        return [_within(value) for value in values]
    return _decoded(values) if values else values
