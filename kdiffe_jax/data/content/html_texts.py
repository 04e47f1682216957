"""Character references of HTML in texts: `&amp;` is read as `&`."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

# Without the semicolon, `&copy` may be part of an address.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def without_references(texts: Sequence[str]) -> tuple[list[str], int]:
    """The texts with what their references stand for, blanks as one, and how many changed.

    >>> without_references(["Mommy&#39;s", "Toys &amp; Games", "AT&T"])
    (["Mommy's", 'Toys & Games', 'AT&T'], 2)
    """
    found = [_decoded(text) if "&" in text else text for text in texts]
    changed = sum(new != old for new, old in zip(found, texts, strict=True))
    return found, changed


def _decoded(text: str) -> str:
    decoded = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    return text if decoded == text else " ".join(decoded.split())
