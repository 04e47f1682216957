"""The id that somebody may have meant, among as many as a data set has."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

# So that a refusal takes a fraction of a second, whatever the number of ids.
_MOST_LOOKED_AT = 50_000
_MOST_COMPARED = 2_000
_MOST_APART = 3


def closest_id(name: str, ids: Sequence[str]) -> str:
    """What a refusal of an unknown id ends in: empty where none is near.

    First comes the same id but for blanks, case, Unicode form, leading zeros or a final `.0`;
    then, unless it is a number, one that differs by a few letters. Of many ids, the first ones
    are looked at.

    >>> closest_id("CUP-RED ", ["cup-blue", "cup-red"]), closest_id("cup-rde", ["hat", "cup-red"])
    ("; did you mean 'cup-red'?", "; did you mean 'cup-red'?")
    >>> closest_id("0042", ["42"]), closest_id("43", ["42"])
    ("; did you mean '42'?", '')
    """
    ids, plain = ids[:_MOST_LOOKED_AT], _plain(name)
    same = next((own for own in ids if _plain(own) == plain), None)
    if same is None and not plain.isdecimal():
        near = difflib.get_close_matches(name, islice(_of_its_kind(name, ids), _MOST_COMPARED), 1)
        same = next(iter(near), None)
    return "" if same is None else f"; did you mean {same!r}?"


def _of_its_kind(name: str, ids: Sequence[str]) -> Iterable[str]:
    """Those of about its length that begin or end as it does."""
    for own in ids:
        if abs(len(own) - len(name)) <= _MOST_APART and (
            own[:1].casefold() == name[:1].casefold() or own[-2:] == name[-2:]
        ):
            yield own


def _plain(name: str) -> str:
    text = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    number = text.removesuffix(".0")
    return (number.lstrip("0") or "0") if number.isdecimal() else text
