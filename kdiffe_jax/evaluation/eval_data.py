"""What a model is scored on: interactions, the splits to rank, and how to choose."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import jax
import numpy as np

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.evaluation.ranking import mean_metrics, metrics_per_user
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.evaluation.top_k_lists import TopKLists


class EvalData(NamedTuple):
    """The same interactions, masks and ranking for every model."""

    train: np.ndarray  #: i32[n, 2] of (user, item), sorted and unique
    n_users: int
    n_items: int
    valid: RankingTask
    test: RankingTask
    eval: EvalConfig

    def selection_score(self, lists: TopKLists) -> float:
        """The metric that chooses hyper-parameters, as it chooses a training's epoch."""
        task = self.test if self.eval.selection == "test" else self.valid
        cutoff = int(self.eval.selection_metric.partition("@")[2])
        values = metrics_per_user(lists(task, k=cutoff), task.relevant, cutoffs=(cutoff,))
        return mean_metrics(values)[self.eval.selection_metric]

    def popularity(self) -> np.ndarray:
        """int64[J]: training interactions of every item."""
        return np.bincount(self.train[:, 1], minlength=self.n_items)

    def fingerprint(self) -> str:
        """SHA-256 over all of it that a fit on interactions reads."""
        digest = hashlib.sha256(repr((self.n_users, self.n_items)).encode())
        digest.update(repr((self.eval.selection, self.eval.selection_metric)).encode())
        for array in (self.train, *jax.tree.leaves((self.valid, self.test))):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array, np.int32).tobytes())
        return digest.hexdigest()
