"""Values that are lists written as text: by Python, JSON or NumPy, or between brackets only."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from kdiffe_jax.data.tables.values import LIST_MARK

Values = tuple[Any, ...]  #: of texts, and of tuples of texts where lists stand in a list

_CLOSED_BY = {"[": "]", "(": ")", "{": "}"}
_LONGEST = 100_000
_MOSTLY = 0.5
_OFTEN = 0.2
# A quoted text or an inner list, and the blanks that NumPy writes where others write a comma;
# what pandas and JSON call missing.
_PART = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(\s+(?=['"]))?|\](\s+(?=\[))|(\bnan\b|\bnull\b)"""
)
_PLAIN = re.compile(r"\[([^\[\]'\"{}]*)\]")


class ListTexts(NamedTuple):
    """A column whose values are lists as text.

    Attributes:
      values: one an item; None where it has none, or one that is no list.
      note: how many were read.
    """

    values: list[Values | None]
    note: str


def read_lists(texts: Sequence[str]) -> ListTexts | None:
    """The lists of a column, None where it has none.

    What has `LIST_MARK` is a list. The other texts are lists where more than half of them look
    like lists as text, and the note counts these alone. Read are lists of texts and numbers,
    lists of such lists, and of objects with a "name"; what is missing in them does not count.

    >>> read_lists(["['Drama', 'War']", "", '[{"id": 3, "name": "War"}]']).values
    [('Drama', 'War'), None, ('War',)]
    >>> read_lists(["['Drama' 'War']", "[Drama, War]"]).values
    [('Drama', 'War'), ('Drama', 'War')]
    """
    marked = {text: _values(json.loads(text[1:])) for text in texts if text.startswith(LIST_MARK)}
    written = _written(["" if text in marked else text.strip() for text in texts])
    if not marked:
        return written
    values, note = written or ([None] * len(texts), "")
    both = zip(texts, values, strict=True)
    return ListTexts([marked.get(text, value) for text, value in both], note)


def _written(texts: Sequence[str]) -> ListTexts | None:
    """Lists written as text; None where at most half of the texts look like some."""
    alike = {text for text in texts if text and _CLOSED_BY.get(text[0]) == text[-1]}
    given = sum(map(bool, texts))
    if sum(text in alike for text in texts) <= _MOSTLY * given:
        return None
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
        warnings.simplefilter("ignore", DeprecationWarning)
        read = {text: _read(text) for text in alike}
    values = [read.get(text) for text in texts]
    found = sum(value is not None for value in values)
    unread = [text for text in texts if text.startswith("[") and read.get(text) is None]
    if max(found, len(unread)) <= _MOSTLY * given:
        return None
    notes = []
    if found:
        notes.append(f"{found} of {given} values are lists written as text, and were read as such")
    if unread:
        notes.append(
            f"{len(unread)} look like lists written as text and cannot be read, the first is "
            f"{unread[0][:60]!r}; write them with the list separator between, or as Parquet lists"
        )
    return ListTexts(values, "; ".join(notes))


def separator_hint(texts: Sequence[str], separator: str, option: str, others: Sequence[str]) -> str:
    """Says which mark seems to divide the values, where the separator is in none of them.

    Args:
      texts: one an item.
      separator: that `option` has.
      option: its name.
      others: marks that may divide values, the likeliest first.

    >>> separator_hint(["Drama, War", "War"], "|", "list_separator", [",", ";"])
    "no value has the separator '|', but 1 of 2 have ','; if it divides them, \
--list_separator=',' reads them so"
    """
    given = [text for text in texts if text.strip()]
    if not given or any(separator in text for text in given):
        return ""
    counts = [sum(mark in text for text in given) for mark in others]
    most = max(counts)
    if most <= _OFTEN * len(given):
        return ""
    mark = others[counts.index(most)]
    return (
        f"no value has the separator {separator!r}, but {most} of {len(given)} have {mark!r}; "
        f"if it divides them, --{option}={mark!r} reads them so"
    )


def _read(text: str) -> Values | None:
    """The values of a list, None where it is none."""
    if len(text) > _LONGEST:
        return None
    found = _parsed(text)
    if found is None and (plain := _PLAIN.fullmatch(text)):
        found = [value.strip() for value in plain[1].split(",")]
    if not isinstance(found, list | tuple | set):
        return None
    try:
        return _values(sorted(found, key=str) if isinstance(found, set) else found)
    except (TypeError, ValueError):
        return None


def _parsed(text: str) -> Any:
    """What JSON or Python make of a text; None where it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        as_python = _PART.sub(_as_python, text)
    try:
        return ast.literal_eval(as_python)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _as_python(part: re.Match[str]) -> str:
    if part[4]:
        return "None"
    return (part[1] or "]") + ("," if part[2] or part[3] else "")


def _values(given: Sequence[Any]) -> Values:
    return tuple(value for one in given if (value := _value(one)) is not None)


def _value(given: Any, *, inner: bool = False) -> Any:
    """A text, or of a list the texts; None where nothing is there.

    Raises:
      TypeError: an object without a name, a list in a list in a list.
    """
    if isinstance(given, dict):
        given = given.get("name", given)
    if given is None or given != given:
        return None
    if isinstance(given, list | tuple) and not inner:
        return tuple(text for one in given if (text := _value(one, inner=True)) is not None)
    if not isinstance(given, str | int | float):
        raise TypeError
    return str(given).encode(errors="ignore").decode()
