"""The negatives of some interactions of a pass, as the stream of the whole pass has them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_DRAWN_AT_ONCE = 1 << 20


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
      choose: `InteractionSampler.negatives`.
    """
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
