"""Ranking metrics at k, on the host: pure functions of where relevant items stand in a list."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

METRICS = ("recall", "ndcg", "precision", "hit", "mrr", "map")


class Hits(NamedTuple):
    """The relevant items near the top of each user's list, user by user and in rank order."""

    users: np.ndarray  #: int[h], rows of the task
    ranks: np.ndarray  #: int[h], from 0
    n_relevant: np.ndarray  #: int[n], at least 1


def metrics_at_k(hits: Hits, k: int) -> dict[str, np.ndarray]:
    """All metrics of each user at one cut-off.

    With r relevant items, h_i = 1 where rank i (from 1) is relevant:
    recall = sum h / r; precision = sum h / k; hit = 1 if any h;
    mrr = 1 / first hit's rank; ndcg = sum h_i / log2(i + 1), divided by the same sum of
    an ideal list of min(r, k) hits; map = sum h_i precision_i / r. These are the
    definitions of trec_eval.

    Args:
      hits: all of the first k ranks, or more.
      k: cut-off.

    Returns:
      f64[n] by "recall@k", "ndcg@k" and so on.

    >>> second_of_two = Hits(np.array([0]), np.array([1]), np.array([1]))
    >>> {name: round(float(value[0]), 3) for name, value in metrics_at_k(second_of_two, 2).items()}
    {'recall@2': 1.0, 'ndcg@2': 0.631, 'precision@2': 0.5, 'hit@2': 1.0, 'mrr@2': 0.5, 'map@2': 0.5}
    """
    near = hits.ranks < k
    users, ranks, n_users = hits.users[near], hits.ranks[near] + 1, len(hits.n_relevant)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(users, values, minlength=n_users)

    found = summed(np.ones(len(users)))
    nth = np.arange(1, len(users) + 1) - (np.cumsum(found) - found)[users]
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))
    values = (
        found / hits.n_relevant,
        summed(1.0 / np.log2(ranks + 1)) / ideal[np.clip(hits.n_relevant, 1, k) - 1],
        found / k,
        (found > 0).astype(np.float64),
        summed(np.where(nth == 1, 1.0 / ranks, 0.0)),
        summed(nth / ranks) / hits.n_relevant,
    )
    return {f"{name}@{k}": value for name, value in zip(METRICS, values, strict=True)}


def hits_of_ranks(ranks: np.ndarray, n_relevant: np.ndarray, *, within: int) -> Hits:
    """The hits where the rank of every relevant item is known.

    Args:
      ranks: i32[n, P], from 0; on padding at least `within`.
      n_relevant: int[n].
      within: how many ranks count.
    """
    users, columns = np.nonzero(ranks < within)
    found = ranks[users, columns]
    order = np.lexsort((found, users))
    return Hits(users[order], found[order], n_relevant)


def hits_of_lists(lists: np.ndarray, relevant: np.ndarray) -> Hits:
    """The hits in lists of items.

    Args:
      lists: i32[n, K], item ids in rank order, -1 where there was no candidate.
      relevant: i32[n, P], -1 on padding.

    >>> hits_of_lists(np.array([[4, 7], [1, -1]]), np.array([[7, 9], [3, -1]]))
    Hits(users=array([0]), ranks=array([1]), n_relevant=array([2, 1]))
    """
    n_items = 1 + max(lists.max(initial=0), relevant.max(initial=0))
    given, wanted = _pairs(lists, n_items), np.sort(_pairs(relevant, n_items)[relevant >= 0])
    nearest = np.append(wanted, -1)[np.searchsorted(wanted, given)]
    users, ranks = np.nonzero((nearest == given) & (lists >= 0))
    return Hits(users, ranks, (relevant >= 0).sum(axis=1))


def _pairs(items: np.ndarray, n_items: int) -> np.ndarray:
    return np.arange(len(items), dtype=np.int64)[:, None] * int(n_items) + items
