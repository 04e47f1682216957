"""The negatives of some interactions of a pass, as the stream of the whole pass has them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_DRAWN_AT_ONCE = 1 << 20


class NegativeItems:
    """Draws items that a user has not.

    Args:
      items: i[n] of all interactions, user by user, ascending within each.
      starts: i[I + 1], where those of each user begin.
      n_items: J.
      among: i[m], the items that may be negatives, ascending; all J if omitted.

    >>> draw = NegativeItems(np.array([0, 3, 4]), np.array([0, 2, 3]), 5, np.array([0, 3, 4]))
    >>> draw(np.array([0, 1, 1]), np.array([0.9, 0.2, 0.7]))[0].tolist()
    [4, 0, 3]
    """

    def __init__(
        self, items: np.ndarray, starts: np.ndarray, n_items: int, among: np.ndarray | None = None
    ):
        self._starts, self._among = starts, among
        self._places = items if among is None else np.searchsorted(among, items)
        self._n_places = n_items if among is None else len(among)

    def __call__(self, users: np.ndarray, uniform: np.ndarray):
        """For each user an item uniform over those that the user has not, without rejection.

        The r-th missing place of a sorted list p is r + k, where k counts the entries with
        p[k] - k <= r; a binary search over all rows at once finds k.

        Args:
          users: int[n].
          uniform: float64[n] in [0, 1), which chooses r.

        Returns:
          int64[n] items, and bool[n], False where a user has every item (the first stands in).
        """
        starts, ends = self._starts[users], self._starts[users + 1]
        missing = self._n_places - (ends - starts)
        rank = (uniform * missing).astype(np.int64)
        low, high = starts.copy(), ends.copy()
        while (low < high).any():
            middle = (low + high) // 2
            active = low < high
            probe = self._places[np.where(active, middle, 0)]
            before = active & (probe - (middle - starts) <= rank)
            low = np.where(before, middle + 1, low)
            high = np.where(active & ~before, middle, high)
        exists = missing > 0
        places = np.where(exists, rank + (low - starts), 0)
        return (places if self._among is None else self._among[places]), exists


def put_negatives(
    triplets: np.ndarray, rng: np.random.Generator, places: range, n_places: int, choose: Callable
) -> None:
    """Fills in the negatives of some places of a pass, a block of them at a time.

    Every place of the pass has its numbers of the stream, whoever looks at it.

    Args:
      triplets: i32[m, 3 + K] of slot, user, positive and negatives; ascending slots, counted
        from the first of the places. -1 goes where a user has every item.
      rng: before the numbers of the pass; behind them afterwards.
      places: of the pass, those that are drawn.
      n_places: of the pass, all.
      choose: as `NegativeItems`.
    """
    if triplets.shape[1] == 3:
        return
    n_negatives, slots, users = triplets.shape[1] - 3, triplets[:, 0], triplets[:, 1]
    skip(rng, places.start * n_negatives)
    rows = max(1, _DRAWN_AT_ONCE // n_negatives)
    for first in range(0, len(places), rows):
        uniform = rng.random((min(rows, len(places) - first), n_negatives))
        here = slice(*np.searchsorted(slots, [first, first + len(uniform)]))
        uniform = uniform[slots[here] - first]
        for column in range(n_negatives):
            items, exists = choose(users[here], uniform[:, column])
            triplets[here, 3 + column] = np.where(exists, items, -1)
    skip(rng, (n_places - places.stop) * n_negatives)


def skip(rng: np.random.Generator, doubles: int) -> None:
    """Leaves a generator as if it had drawn so many numbers of f64.

    >>> one, other = np.random.default_rng(0), np.random.default_rng(0)
    >>> _ = one.permutation(3), one.random(5), other.permutation(3), skip(other, 5)
    >>> one.permutation(9).tolist() == other.permutation(9).tolist()
    True
    """
    kept = rng.bit_generator.state  # `advance` forgets half of a number that was drawn before
    rng.bit_generator.advance(doubles)
    rng.bit_generator.state = kept | {"state": rng.bit_generator.state["state"]}
