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


class Order(NamedTuple):
    """What the steps of an epoch take, by place: -1 where a step takes nothing."""

    interactions: np.ndarray  # i64[steps, B]
    uniform: np.ndarray  # f64[steps, B], chooses the negatives
    row_items: np.ndarray  # i64[steps, n]

    def share(self, number: int, of: int) -> Order:
        """One of `of` equally wide shares of every step; what does not divide is filled with -1.

        >>> order = Order(np.array([[4, 2, 7]]), np.zeros((1, 3)), np.array([[0]]))
        >>> [order.share(number, 2).interactions.tolist() for number in range(2)]
        [[[4, 2]], [[7, -1]]]
        """
        return Order(*(_columns(places, number, of) for places in self))


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
        self.interactions_of_step = min(batch_size, len(pairs))
        self._seed = seed
        degrees = np.bincount(pairs[:, 0], minlength=n_users)
        self._starts = np.concatenate([[0], np.cumsum(degrees)])
        self.steps_of_pass = -(-len(pairs) // self.interactions_of_step)
        self.items_of_step = -(-n_items // self.steps_of_pass)
        self.steps = min(epoch_steps, self.steps_of_pass) or self.steps_of_pass
        self.epochs_of_pass = -(-self.steps_of_pass // self.steps)

    def epoch(self, number: int) -> EpochIndices:
        """The index arrays of epoch `number`: every interaction and item occurs once a pass."""
        return self.indices(self.order(number))

    def order(self, number: int) -> Order:
        """Which interactions and items the steps of epoch `number` take."""
        of_pass, part = divmod(number, self.epochs_of_pass)
        rng = np.random.default_rng([self._seed, of_pass])
        n_pairs, width = len(self._pairs), self.interactions_of_step
        return Order(
            interactions=self._part(part, rng.permutation(n_pairs), width),
            uniform=self._part(part, rng.random(n_pairs), width),
            row_items=self._part(part, rng.permutation(self._n_items), self.items_of_step),
        )

    def indices(self, order: Order) -> EpochIndices:
        """The index arrays of what `order` returned, or of a share of it."""
        taken, has_row = order.interactions >= 0, order.row_items >= 0
        pairs = self._pairs[order.interactions * taken] * taken[..., None]
        users, positives = np.moveaxis(pairs, -1, 0)
        drawn = self.negatives(users.ravel(), order.uniform.ravel())
        negatives, has_negative = (found.reshape(taken.shape) for found in drawn)
        return EpochIndices(
            users=users.astype(np.int32),
            positives=positives.astype(np.int32),
            negatives=(negatives * taken).astype(np.int32),
            weights=(has_negative & taken).astype(np.float32),
            row_items=(order.row_items * has_row).astype(np.int32),
            row_weights=has_row.astype(np.float32),
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

    def _part(self, part: int, places: np.ndarray, width: int) -> np.ndarray:
        size = self.steps * width
        found = places[part * size : (part + 1) * size]
        return np.pad(found, (0, size - len(found)), constant_values=-1).reshape(-1, width)


def _columns(places: np.ndarray, number: int, of: int) -> np.ndarray:
    width = -(-places.shape[1] // of)
    found = places[:, number * width : (number + 1) * width]
    return np.pad(found, ((0, 0), (0, width - found.shape[1])), constant_values=-1)
