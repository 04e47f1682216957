"""Users and items by a part of their id or name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from heapq import nsmallest


class Search:
    """Finds rows by text; case and accents do not matter.

    Args:
      ids: one a row.
      names: one a row, or none at all.

    >>> Search(["a1", "a", "b"], ["Tëa", "Pot", "A jar"]).find("A", 5)
    ([1, 0, 2], 3)
    >>> Search(["a1", "a", "b"], ["Tëa", "Pot", "A jar"]).find("tea", 5)
    ([0], 1)
    """

    def __init__(self, ids: Sequence[str], names: Sequence[str] = ()):
        self._ids = [folded(name) for name in ids]
        self._names = [folded(name) for name in names] or [""] * len(ids)

    def find(self, text: str, k: int) -> tuple[list[int], int]:
        """At most k rows, and how many fit; an empty text fits all.

        The row with that id comes first, then ids and names that start with the text, then
        those that contain it; within each in the order of the rows.
        """
        wanted = folded(text)
        if not wanted:
            return list(range(min(k, len(self._ids)))), len(self._ids)
        both = enumerate(zip(self._ids, self._names, strict=True))
        found = [row for row, (own, name) in both if wanted in own or wanted in name]

        def order(row: int) -> tuple[bool, bool, int]:
            own, name = self._ids[row], self._names[row]
            return wanted != own, not (own.startswith(wanted) or name.startswith(wanted)), row

        return nsmallest(k, found, key=order), len(found)


def folded(text: str) -> str:
    """Text without case, accents and space around it.

    >>> folded(" Thé VERT ")
    'the vert'
    """
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
