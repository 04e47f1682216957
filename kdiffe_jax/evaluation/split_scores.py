"""One ranking of a split's users, and all that is said of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.beyond_accuracy import beyond_accuracy
from kdiffe_jax.evaluation.ranking import CUTOFFS, mean_metrics, metrics_per_user
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.ops.ragged import taken

COLD_METRICS = ("recall", "ndcg")


class SplitScores(NamedTuple):
    """The scores of one model on one split."""

    per_user: dict[str, np.ndarray]  #: metric -> f64[n]
    cold: dict[str, Any]
    beyond_accuracy: dict[str, float]

    def means(self) -> dict[str, float]:
        """The mean over users of each metric."""
        return mean_metrics(self.per_user)


def score_split(
    lists: TopKLists, task: RankingTask, popularity: np.ndarray, *, n_users: int
) -> SplitScores:
    """Ranks the users of a task once, and once more among cold items for those who need it.

    Args:
      lists: of a model.
      task: a split.
      popularity: int[J], training interactions of each item; 0 is a cold item.
      n_users: I.
    """
    ranked = np.asarray(lists(task, k=max(CUTOFFS)))
    return SplitScores(
        per_user=metrics_per_user(ranked, task.relevant),
        cold=cold_scores(lists, ranked, task, popularity == 0),
        beyond_accuracy=beyond_accuracy(ranked, popularity, n_users=n_users),
    )


def cold_scores(
    lists: TopKLists, ranked: np.ndarray, task: RankingTask, cold: np.ndarray
) -> dict[str, Any]:
    """Recall and ndcg on the interactions whose item never occurs in training.

    All other relevant items are taken away, and users who are left with none. `among_all`
    ranks all items, `among_cold` only the cold ones.

    Args:
      lists: rank among cold items.
      ranked: i32[n, K], the ranking of all items.
      task: the split.
      cold: bool[J].

    Returns:
      Numbers of interactions, items, users and candidates (cold items); where there are
      interactions, "among_all" and "among_cold" with means over these users.
    """
    relevant = np.asarray(task.relevant)
    relevant = np.where((relevant >= 0) & cold[relevant], relevant, -1)
    rows = np.flatnonzero((relevant >= 0).any(axis=1))
    relevant = relevant[rows]
    found = relevant[relevant >= 0]
    counts = {
        "interactions": len(found),
        "items": len(np.unique(found)),
        "users": len(rows),
        "candidates": int(cold.sum()),
    }
    if not len(rows):
        return counts
    users, wanted = jnp.asarray(np.asarray(task.users)[rows]), jnp.asarray(relevant)
    part = RankingTask(users, taken(task.seen, rows), wanted)
    apart = lists(part, k=max(CUTOFFS), candidates=np.flatnonzero(cold))
    found_in = {"among_all": ranked[rows], "among_cold": apart}
    return counts | {
        name: _only(COLD_METRICS, mean_metrics(metrics_per_user(items, relevant)))
        for name, items in found_in.items()
    }


def _only(names: tuple[str, ...], means: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in means.items() if name.partition("@")[0] in names}
