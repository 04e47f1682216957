"""BPR triplets and denoiser rows of one epoch, as index arrays with a static shape.

An epoch's arrays are a function of (seed, epoch) alone, so a resumed run draws what
the unbroken one would have drawn.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, Self

import numpy as np


class EpochIndices(NamedTuple):
    """[steps, ...] arrays; `weights` and `row_weights` are 0 on padding."""

    users: np.ndarray  # i32[steps, B]
    positives: np.ndarray  # i32[steps, B]
    negatives: np.ndarray  # i32[steps, B]
    weights: np.ndarray  # f32[steps, B]
    row_items: np.ndarray  # i32[steps, C]
    row_weights: np.ndarray  # f32[steps, C]


class InteractionSampler:
    """Draws the epochs of one training split.

    Args:
      pairs: int[n, 2] of (user, item), sorted and unique.
      n_users, n_items: sizes I and J.
      batch_size: interactions a step; the last step is padded.
      seed: of the order and of the negatives.
    """

    def __init__(
        self, pairs: np.ndarray, *, n_users: int, n_items: int, batch_size: int, seed: int
    ):
        self._pairs = pairs
        self._n_items = n_items
        self._batch_size = min(batch_size, len(pairs))
        self._seed = seed
        degrees = np.bincount(pairs[:, 0], minlength=n_users)
        self._starts = np.concatenate([[0], np.cumsum(degrees)])
        self.steps = -(-len(pairs) // self._batch_size)

    def epoch(self, number: int) -> EpochIndices:
        """All index arrays of epoch `number`; every interaction and every item occurs once."""
        rng = np.random.default_rng([self._seed, number])
        order = rng.permutation(len(self._pairs))
        users, positives = self._pairs[order].T
        negatives, has_negative = self.negatives(users, rng)
        items = rng.permutation(self._n_items)
        width = -(-self._n_items // self.steps)
        return EpochIndices(
            users=self._fold(users, self._batch_size, np.int32),
            positives=self._fold(positives, self._batch_size, np.int32),
            negatives=self._fold(negatives, self._batch_size, np.int32),
            weights=self._fold(has_negative, self._batch_size, np.float32),
            row_items=self._fold(items, width, np.int32),
            row_weights=self._fold(np.ones(len(items)), width, np.float32),
        )

    def with_seed(self, seed: int) -> Self:
        """The sampler of the same interactions with another seed."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def negatives(self, users: np.ndarray, rng: np.random.Generator):
        """For each user an item uniform over those that the user has not, without rejection.

        The r-th missing item of a sorted list p is r + k, where k counts the entries with
        p[k] - k <= r; a binary search over all rows at once finds k.

        Returns:
          int64[n] items, and bool[n], False where a user has every item (item 0 stands in).
        """
        starts, ends = self._starts[users], self._starts[users + 1]
        missing = self._n_items - (ends - starts)
        rank = (rng.random(len(users)) * missing).astype(np.int64)
        low, high = starts.copy(), ends.copy()
        items = self._pairs[:, 1].astype(np.int64)
        while (low < high).any():
            middle = (low + high) // 2
            active = low < high
            probe = items[np.where(active, middle, 0)]
            before = active & (probe - (middle - starts) <= rank)
            low = np.where(before, middle + 1, low)
            high = np.where(active & ~before, middle, high)
        exists = missing > 0
        return np.where(exists, rank + (low - starts), 0), exists

    def _fold(self, values: np.ndarray, width: int, dtype) -> np.ndarray:
        folded = np.zeros(self.steps * width, dtype)
        folded[: len(values)] = values
        return folded.reshape(self.steps, width)
