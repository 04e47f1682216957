"""The source's own ids -> row numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property

import numpy as np

from kdiffe_jax.data.closest_id import closest_id
from kdiffe_jax.errors import ConfigError, DataError


class Ids:
    """Users or items by the source's ids.

    Args:
      what: "user" or "item", for messages.
      ids: one a row, unique.

    >>> Ids("user", ("ann", "bob")).numbers(["bob", "ann"]).tolist()
    [1, 0]
    """

    def __init__(self, what: str, ids: Sequence[str]):
        self.what = what
        self.ids = tuple(ids)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name) -> bool:
        return str(name) in self._rows

    def find(self, names: Iterable) -> np.ndarray:
        """i32[n]: the row of each id, -1 where it is not known."""
        return np.array([self._rows.get(str(name), -1) for name in names], np.int32)

    def numbers(self, names: Iterable) -> np.ndarray:
        """i32[n]: the row of each id.

        Raises:
          DataError: an id that is not known; the first is named.
        """
        names = list(names)
        rows = self.find(names)
        if (rows < 0).any():
            name = str(names[int(np.argmax(rows < 0))])
            some = ", ".join(map(repr, self.ids[:3]))
            near = closest_id(name, self.ids)
            raise DataError(f"no {self.what} {name!r}; {self.what}s are called {some}, ...{near}")
        return rows

    def refuse_known(self, names: Iterable) -> None:
        """Passes if none of the ids is known.

        Raises:
          DataError: one is; the first is named.
        """
        for name in names:
            if name in self:
                raise DataError(f"{self.what} {str(name)!r} is there already; give a new id")


def listed(names) -> list:
    """One id or many as a list; text is one id, and so is what has no parts.

    Raises:
      DataError: a dictionary.

    >>> listed("ann"), listed(7), listed(["ann", "bob"])
    (['ann'], [7], ['ann', 'bob'])
    """
    if isinstance(names, Mapping):
        raise DataError(f"{dict(names)!r}: give ids as a list, not as a dictionary")
    single = isinstance(names, str | bytes) or not isinstance(names, Iterable)
    return [names] if single else list(names)


def by_new_id(given, what: str, told: str) -> Mapping:
    """New ids and what is told of each.

    Args:
      what: "user" or "item".
      told: what is expected of each, for messages.

    Raises:
      ConfigError: not a dictionary.
      DataError: an id that is empty or holds a control character, two ids of one text.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{type(given).__name__}: give {told} as a dictionary by new id")
    known: set[str] = set()
    for name in map(str, given):
        if name in known:
            raise DataError(f"new {what} {name!r} stands there twice, as a number and as text")
        known.add(name)
        if not name.strip() or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise DataError(
                f"new id {name[:60]!a}: is empty, or holds a line break, a tab, another control "
                "character or half of a letter; give another"
            )
    return given


def length_of_lists(k) -> int:
    """k as a whole number.

    Raises:
      ConfigError: it is none, or below 1.

    >>> length_of_lists(np.int64(3))
    3
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise ConfigError(f"k = {k!r}: give a whole number, the length of a list")
    if k < 1:
        raise ConfigError(f"k = {k}: a list has at least 1 place")
    return int(k)


def pair_of(given) -> tuple:
    """A user and an item.

    Raises:
      DataError: a text, a set or a dictionary, or other than two values.
    """
    unordered = isinstance(given, str | bytes | Mapping | Set)
    values = () if unordered or not isinstance(given, Iterable) else given
    if len(pair := tuple(values)) != 2:
        raise DataError(f"{given!r} is no pair; give (user, item)")
    return pair
