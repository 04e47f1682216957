"""Ranked lists with the source's own ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from kdiffe_jax.recommend.blocks import Best

MODEL, POPULAR = "model", "most popular"


@dataclasses.dataclass(frozen=True)
class Lists:
    """One ranked list for each id that was asked for, best first.

    Attributes:
      asked: the ids, one a list.
      rows: i32[n, k], what is listed; -1 where a list has fewer than k.
      scores: f32[n, k], nan there.
      popular: bool[n], lists of the most popular items, whose scores count interactions.
      ids: what the rows are called.
    """

    asked: tuple[str, ...]
    rows: np.ndarray
    scores: np.ndarray
    popular: np.ndarray
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.asked)

    def __getitem__(self, asked) -> list[tuple[str, float]]:
        """One list as (id, score).

        Raises:
          KeyError: nothing was asked for this id.
        """
        return self._list(self._places[str(asked)])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.asked)}

    def __iter__(self) -> Iterator[tuple[str, list[tuple[str, float]]]]:
        """(id asked for, its list) of each."""
        return ((name, self._list(place)) for place, name in enumerate(self.asked))

    def _list(self, place: int) -> list[tuple[str, float]]:
        rows, scores = self.rows[place], self.scores[place].tolist()
        return [(self.ids[row], scores[i]) for i, row in enumerate(rows.tolist()) if row >= 0]

    def columns(self, asked: str = "user", listed: str = "item") -> dict[str, Any]:
        """The lists as one table: a column each for the id, rank, what is listed, score, source."""
        places, ranks = np.nonzero(self.rows >= 0)
        rows = self.rows[places, ranks].tolist()
        return {
            asked: [self.asked[place] for place in places.tolist()],
            "rank": ranks + 1,
            listed: [self.ids[row] for row in rows],
            "score": self.scores[places, ranks],
            "source": [POPULAR if popular else MODEL for popular in self.popular[places].tolist()],
        }


def alike(ids: Sequence[str], rows: np.ndarray, best: Best) -> Lists:
    """Lists of the same kind of thing as what they are for, which stands in these rows."""
    asked = tuple(ids[row] for row in rows.tolist())
    return Lists(asked, best.rows, best.scores, np.zeros(len(rows), bool), ids)


def joined(parts: Sequence[Lists], ids: Sequence[str], *, k: int) -> Lists:
    """Lists of several blocks as one."""
    nothing = Lists((), np.zeros((0, k), np.int32), np.zeros((0, k), np.float32), np.zeros(0), ids)
    parts = parts or [nothing]
    return Lists(
        tuple(name for part in parts for name in part.asked),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.popular for part in parts]).astype(bool),
        ids,
    )
