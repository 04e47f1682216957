"""The source's own ids -> row numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from kdiffe_jax.errors import DataError


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
            raise DataError(f"no {self.what} {name!r}; {self.what}s are called {some}, ...")
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
    """One id or many as a list; text is one id.

    >>> listed("ann"), listed(7), listed(["ann", "bob"])
    (['ann'], [7], ['ann', 'bob'])
    """
    single = isinstance(names, str | int | np.integer)
    return [names] if single else list(names)
