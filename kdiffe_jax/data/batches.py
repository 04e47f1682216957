"""BPR triplets and denoiser rows of one epoch, as index arrays with a static shape.

An epoch is a pass over all interactions, or one of the parts into which passes are cut. Its
arrays are a function of (seed, epoch) alone, so a resumed run draws what the unbroken one
would have drawn.
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
    row_items: np.ndarray  # i32[steps, n]
    row_weights: np.ndarray  # f32[steps, n]


class InteractionSampler:
    """Draws the epochs of one training split.

    The steps of a pass are the same however many epochs it takes: the epochs of a pass, one
    after another, are the single epoch of an uncut one. Where the steps of an epoch do not
    divide those of a pass, its last epoch ends in steps without a weight.

    Args:
      pairs: int[n, 2] of (user, item), sorted and unique.
      n_users, n_items: sizes I and J.
      batch_size: interactions a step; the last step of a pass is padded.
      seed: of the order and of the negatives.
      epoch_steps: steps of an epoch; 0, or more than a pass has: all of a pass.

    >>> pairs = np.array([(user, 0) for user in range(10)])
    >>> sizes = dict(n_users=10, n_items=3, batch_size=2, seed=0)
    >>> sampler = InteractionSampler(pairs, **sizes, epoch_steps=3)
    >>> sampler.steps, sampler.steps_of_pass, sampler.epochs_of_pass
    (3, 5, 2)
    >>> [int(sampler.epoch(number).weights.sum()) for number in range(4)]
    [6, 4, 6, 4]
    """

    def __init__(
        self,
        pairs: np.ndarray,
        *,
        n_users: int,
        n_items: int,
        batch_size: int,
        seed: int,
        epoch_steps: int = 0,
    ):
        self._pairs = pairs
        self._n_items = n_items
        self._batch_size = min(batch_size, len(pairs))
        self._seed = seed
        degrees = np.bincount(pairs[:, 0], minlength=n_users)
        self._starts = np.concatenate([[0], np.cumsum(degrees)])
        self.steps_of_pass = -(-len(pairs) // self._batch_size)
        self.steps = min(epoch_steps, self.steps_of_pass) or self.steps_of_pass
        self.epochs_of_pass = -(-self.steps_of_pass // self.steps)

    def epoch(self, number: int) -> EpochIndices:
        """The index arrays of epoch `number`: every interaction and item occurs once a pass."""
        of_pass, part = divmod(number, self.epochs_of_pass)
        rng = np.random.default_rng([self._seed, of_pass])
        n_pairs, width = len(self._pairs), -(-self._n_items // self.steps_of_pass)
        mine = self._part(part, rng.permutation(n_pairs), self._batch_size)
        uniform = self._part(part, rng.random(n_pairs), self._batch_size)
        items = self._part(part, rng.permutation(self._n_items), width)
        users, positives = self._pairs[mine].T
        negatives, has_negative = self.negatives(users, uniform)
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

    def negatives(self, users: np.ndarray, uniform: np.ndarray):
        """For each user an item uniform over those that the user has not, without rejection.

        The r-th missing item of a sorted list p is r + k, where k counts the entries with
        p[k] - k <= r; a binary search over all rows at once finds k.

        Args:
          users: int[n].
          uniform: float64[n] in [0, 1), which chooses r.

        Returns:
          int64[n] items, and bool[n], False where a user has every item (item 0 stands in).
        """
        starts, ends = self._starts[users], self._starts[users + 1]
        missing = self._n_items - (ends - starts)
        rank = (uniform * missing).astype(np.int64)
        low, high = starts.copy(), ends.copy()
        items = self._pairs[:, 1]
        while (low < high).any():
            middle = (low + high) // 2
            active = low < high
            probe = items[np.where(active, middle, 0)]
            before = active & (probe - (middle - starts) <= rank)
            low = np.where(before, middle + 1, low)
            high = np.where(active & ~before, middle, high)
        exists = missing > 0
        return np.where(exists, rank + (low - starts), 0), exists

    def _part(self, part: int, values: np.ndarray, width: int) -> np.ndarray:
        size = self.steps * width
        return values[part * size : (part + 1) * size]

    def _fold(self, values: np.ndarray, width: int, dtype) -> np.ndarray:
        folded = np.zeros(self.steps * width, dtype)
        folded[: len(values)] = values
        return folded.reshape(self.steps, width)
