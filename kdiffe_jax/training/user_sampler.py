"""Epochs whose steps take different users, one of each one's interactions at random."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.share import ALONE
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.training.sampler import InteractionSampler


class UserSampler(InteractionSampler):
    """`InteractionSampler` by users: those of few interactions are taken as often as others.

    A pass has as many steps as one over all interactions. The users of a step are the next ones
    of a random order of all who have interactions; where too few are left, a new order begins.

    >>> pairs = np.array([(user, item) for user in range(4) for item in range(user + 1)])
    >>> sizes = dict(n_users=5, n_items=6, batch_size=3, seed=0)
    >>> epoch = UserSampler(pairs, **sizes).epoch(0)
    >>> epoch.users.shape, all(len(set(users)) == 3 for users in epoch.users.tolist())
    ((4, 3), True)
    """

    def __init__(self, pairs: np.ndarray, **of):
        if of.get("share", ALONE) != ALONE:
            raise ConfigError("batches by users are drawn by one process; run it in one")
        super().__init__(pairs, **of)

    def _sizes_of_pass(self, batch_size: int) -> tuple[int, int]:
        self._active = np.flatnonzero(np.diff(self._starts))
        of_step = min(batch_size, len(self._active))
        return of_step, -(-self._n_pairs // of_step)

    def _interactions(self, rng: np.random.Generator, of_pass: int, part: int):
        pairs = self._of_pass("order", of_pass, rng, lambda: self._pairs_of_pass(rng))
        size = self.steps * self.interactions_of_step
        places = range(len(pairs))[part * size : (part + 1) * size]
        pairs = pairs[places.start : places.stop]
        return np.arange(len(pairs)), pairs, places

    @property
    def _places_of_pass(self) -> int:
        return self.steps_of_pass * self.interactions_of_step

    def _pairs_of_pass(self, rng: np.random.Generator) -> np.ndarray:
        users = self._users_of_pass(rng)
        starts = self._starts[users]
        chosen = rng.random(len(users)) * (self._starts[users + 1] - starts)
        return self._pairs[starts + chosen.astype(np.int64)]

    def _users_of_pass(self, rng: np.random.Generator) -> np.ndarray:
        """i64[steps of a pass x B]."""
        of_order = len(self._active) // self.interactions_of_step
        orders = -(-self.steps_of_pass // of_order)
        steps = [
            rng.permutation(self._active)[: of_order * self.interactions_of_step]
            for _ in range(orders)
        ]
        return np.concatenate(steps)[: self.steps_of_pass * self.interactions_of_step]
