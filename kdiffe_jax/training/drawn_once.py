"""What the parts of a pass have alike, drawn for the first of them alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np


class DrawnOnce:
    """Keeps what was drawn last, and the generator as it was behind it.

    >>> once, found = DrawnOnce(), []
    >>> for number in (3, 3, 4):
    ...     rng = np.random.default_rng(number)
    ...     found.append((once(number, rng, lambda rng=rng: rng.permutation(9)), rng.random()))
    >>> found[0][0] is found[1][0], found[0][1] == found[1][1], found[1][1] == found[2][1]
    (True, True, False)
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._drawn = np.zeros(0)
        self._behind: dict = {}

    def __call__(
        self, key: Hashable, rng: np.random.Generator, draw: Callable[[], np.ndarray]
    ) -> np.ndarray:
        """What `draw` gives, with the generator behind it.

        Args:
          key: of all that it depends on.
          rng: that `draw` takes from.
          draw: called where another key was drawn last.
        """
        if key == self._key:
            rng.bit_generator.state = self._behind
        else:
            self._drawn = draw()
            self._key, self._behind = key, rng.bit_generator.state
        return self._drawn
