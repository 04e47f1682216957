"""What every baseline receives: interactions, the splits to rank, and how to choose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.rankers import Ranker
from kdiffe_jax.ranking import mean_metrics, metrics_per_user
from kdiffe_jax.types import RankingTask


class Bench(NamedTuple):
    """The same interactions, masks and ranking that the model has."""

    train: np.ndarray  #: i32[n, 2] of (user, item), sorted and unique
    n_users: int
    n_items: int
    valid: RankingTask
    test: RankingTask
    eval: EvalConfig

    def selection_score(self, rank: Ranker) -> float:
        """The metric by which hyper-parameters are chosen, as the model's epoch is."""
        task = self.test if self.eval.selection == "test" else self.valid
        cutoff = int(self.eval.selection_metric.partition("@")[2])
        values = metrics_per_user(rank(task, k=cutoff), task.relevant, cutoffs=(cutoff,))
        return mean_metrics({n: np.asarray(v, np.float64) for n, v in values.items()})[
            self.eval.selection_metric
        ]

    def popularity(self) -> np.ndarray:
        """int64[J]: training interactions of every item."""
        return np.bincount(self.train[:, 1], minlength=self.n_items)

    def fingerprint(self) -> str:
        """SHA-256 over all that a baseline reads."""
        digest = hashlib.sha256(repr((self.n_users, self.n_items)).encode())
        digest.update(repr((self.eval.selection, self.eval.selection_metric)).encode())
        for array in (self.train, *self.valid, *self.test):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array, np.int32).tobytes())
        return digest.hexdigest()


def tune(
    fit: Callable[..., Ranker], grid: list[dict[str, Any]], bench: Bench
) -> tuple[dict[str, Any], Ranker]:
    """Fits every point of a grid and keeps the best, the first of equals.

    The best is fitted again at the end, so that no two fits are held at once.

    Args:
      fit: hyper-parameters by name -> a ranker.
      grid: at least one point.
      bench: chooses.
    """
    best = grid[0]
    if len(grid) > 1:
        scores = [bench.selection_score(fit(**point)) for point in grid]
        best = grid[int(np.argmax(scores))]
    return best, fit(**best)
