"""Interactions with negatives, and nodes, of one epoch, as index arrays with a static shape.

An epoch is a pass over all interactions, or one of the parts into which passes are cut. Its
arrays are a function of (seed, epoch) alone, so a resumed run draws what the unbroken one
would have drawn.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

import numpy as np

from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.training.drawn_once import DrawnOnce
from kdiffe_jax.training.negatives import NegativeItems, put_negatives


class EpochIndices(NamedTuple):
    """[steps, ...] arrays; `weights` and `row_weights` are 0 on padding."""

    users: np.ndarray  # i32[steps, B]
    positives: np.ndarray  # i32[steps, B]
    negatives: np.ndarray  # i32[steps, B], or i32[steps, B, K]
    weights: np.ndarray  # f32[steps, B]
    row_nodes: np.ndarray  # i32[steps, n]
    row_weights: np.ndarray  # f32[steps, n]


class Drawn(NamedTuple):
    """What the steps of an epoch take: of one share of the interactions, and of all nodes."""

    triplets: np.ndarray  #: i32[m, 3 + K]: step * B + column, user, positive, negatives or else -1
    row_nodes: np.ndarray  #: i64[steps, n], -1 where a step takes none


class InteractionSampler:
    """Draws the epochs of one training split.

    The steps of a pass are the same however many epochs it takes: the epochs of a pass, one
    after another, are the single epoch of an uncut one. Where the steps of an epoch do not
    divide those of a pass, its last epoch ends in steps without a weight.

    Args:
      pairs: int[n, 2] of (user, item), sorted and unique: all, or a share of them.
      n_users, n_items: sizes I and J.
      batch_size: interactions a step; the last step of a pass is padded.
      pass_steps: most steps of a pass, for which the batch grows; 0: it never grows.
      seed: of the order and of the negatives.
      epoch_steps: steps of an epoch; 0, or more than a pass has: all of a pass.
      rows: nodes that a step takes beside interactions, at least; each is taken once a pass, or
        as often as this needs. 0: none.
      n_rows: the nodes that are taken so; the items if omitted.
      n_negatives: K, of each interaction; 0: none.
      among: i[n], the items that may be negatives, ascending, those of all pairs among them; all
        items if omitted.
      share: whose the pairs are, where processes share them; all are made at once.

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
        pass_steps: int = 0,
        epoch_steps: int = 0,
        rows: int = 1,
        n_rows: int | None = None,
        n_negatives: int = 1,
        among: np.ndarray | None = None,
        share: Share = ALONE,
    ):
        self._pairs = pairs
        self._n_rows = n_items if n_rows is None else n_rows
        self.negatives_of_each = n_negatives
        self.share = share
        self._first, self._n_pairs = share.offset_and_total(len(pairs))
        self._seed, self._rows = seed, rows
        self.cuts_passes = epoch_steps > 0
        degrees = np.bincount(pairs[:, 0], minlength=n_users)
        self._starts = np.concatenate([[0], np.cumsum(degrees)])
        self.negatives = NegativeItems(pairs[:, 1], self._starts, n_items, among)
        grown = -(-self._n_pairs // pass_steps) if pass_steps else 0
        of_step = max(batch_size, grown)
        self.interactions_of_step, self.steps_of_pass = self._sizes_of_pass(of_step)
        once = -(-self._n_rows // self.steps_of_pass)
        self.nodes_of_step = max(once, min(rows, self._n_rows)) if rows else 1
        more = self.nodes_of_step > once
        self._times = self.steps_of_pass * self.nodes_of_step // self._n_rows if more else 1
        self.steps = min(epoch_steps, self.steps_of_pass) or self.steps_of_pass
        self.epochs_of_pass = -(-self.steps_of_pass // self.steps)
        self._kept = {"order": DrawnOnce(), "nodes": DrawnOnce()}

    def epoch(self, number: int) -> EpochIndices:
        """The index arrays of epoch `number`: every interaction and item occurs once a pass."""
        triplets, row_nodes = self.drawn(number)
        (whole,) = self.laid([triplets], row_nodes, [0], of=1)
        return whole

    def drawn(self, number: int) -> Drawn:
        """What the steps of epoch `number` take of this share, in no order."""
        of_pass, part = divmod(number, self.epochs_of_pass)
        rng = np.random.default_rng([self._seed, of_pass])
        slots, pairs, places = self._interactions(rng, of_pass, part)
        users, positives = pairs.T
        triplets = np.empty((len(slots), 3 + self.negatives_of_each), np.int32)
        triplets[:, :3] = np.column_stack([slots, users, positives])
        put_negatives(triplets, rng, places, self._places_of_pass, self.negatives)
        rows = np.zeros(0, np.int64)
        if self._rows:
            nodes = self._of_pass("nodes", of_pass, rng, lambda: self._nodes_of_pass(rng))
            rows = nodes[_part(part, self.steps * self.nodes_of_step)]
        missing = self.steps * self.nodes_of_step - len(rows)
        rows = np.pad(rows, (0, missing), constant_values=-1).reshape(self.steps, -1)
        return Drawn(triplets, rows)

    def laid(
        self,
        pieces: Iterable[np.ndarray],
        row_nodes: np.ndarray,
        numbers: Iterable[int],
        *,
        of: int,
    ) -> list[EpochIndices]:
        """Some of `of` equally wide shares of every step's columns, of which the last is padded.

        Args:
          pieces: triplets of `Drawn`, one after another those of all processes.
          row_nodes: of `Drawn`.
          numbers: of the shares.
        """
        width = -(-self.interactions_of_step // of)
        shares = {number * width: self._empty(row_nodes, number, of) for number in numbers}
        for triplets in pieces:
            for first, share in shares.items():
                self._put(share, triplets, first)
        return list(shares.values())

    def with_seed(self, seed: int) -> Self:
        """The sampler of the same interactions with another seed."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def _sizes_of_pass(self, batch_size: int) -> tuple[int, int]:
        """Interactions of a step, and steps of a pass."""
        of_step = min(batch_size, self._n_pairs)
        return of_step, -(-self._n_pairs // of_step)

    def _of_pass(self, what: str, of_pass: int, rng: np.random.Generator, draw: Callable):
        """What all parts of a pass have alike; kept from one part to the next."""
        if self.epochs_of_pass == 1:
            return draw()
        return self._kept[what]((self._seed, of_pass), rng, draw)

    def _interactions(self, rng: np.random.Generator, of_pass: int, part: int):
        """Slots i[m] and (user, item) i[m, 2] of a part, and which places of the pass it has."""
        taken, numbers = _part(part, self.steps * self.interactions_of_step), range(self._n_pairs)

        def draw():
            return rng.permutation(np.arange(self._n_pairs, dtype=np.int32))

        order = self._of_pass("order", of_pass, rng, draw)
        return *self._own(order[taken]), numbers[taken]

    @property
    def _places_of_pass(self) -> int:
        return self._n_pairs

    def _nodes_of_pass(self, rng: np.random.Generator) -> np.ndarray:
        """All nodes in a random order, as many times over as the steps of a pass take them."""
        return np.concatenate([rng.permutation(self._n_rows) for _ in range(self._times)])

    def _own(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The slots in an order that have interactions of this share, and those."""
        own = order - self._first
        slots = np.flatnonzero((own >= 0) & (own < len(self._pairs)))
        return slots, self._pairs[own[slots]]

    def _empty(self, row_nodes: np.ndarray, number: int, of: int) -> EpochIndices:
        width, row_width = (-(-n // of) for n in (self.interactions_of_step, self.nodes_of_step))
        users, positives = (np.zeros((self.steps, width), np.int32) for _ in range(2))
        several = () if self.negatives_of_each == 1 else (self.negatives_of_each,)
        rows = row_nodes[:, number * row_width : (number + 1) * row_width]
        rows = np.pad(rows, ((0, 0), (0, row_width - rows.shape[1])), constant_values=-1)
        return EpochIndices(
            users,
            positives,
            negatives=np.zeros((self.steps, width, *several), np.int32),
            weights=np.zeros((self.steps, width), np.float32),
            row_nodes=np.maximum(rows, 0).astype(np.int32),
            row_weights=(rows >= 0).astype(np.float32),
        )

    def _put(self, share: EpochIndices, triplets: np.ndarray, first: int) -> None:
        """Enters the triplets whose columns the share has, which begins with column `first`."""
        (slots, users, positives), negatives = triplets[:, :3].T, triplets[:, 3:]
        steps, columns = np.divmod(slots, self.interactions_of_step)
        columns -= first
        here = (columns >= 0) & (columns < share.users.shape[1])
        at = steps[here], columns[here]
        share.users[at], share.positives[at] = users[here], positives[here]
        own = negatives[here]
        share.negatives[at] = np.maximum(own, 0).reshape(share.negatives[at].shape)
        share.weights[at] = (own >= 0).all(axis=1)


def _part(number: int, size: int) -> slice:
    return slice(number * size, (number + 1) * size)
