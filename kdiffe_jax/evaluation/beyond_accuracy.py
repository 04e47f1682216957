"""What lists are like beside their hits: coverage, novelty, popularity, Gini index."""

from __future__ import annotations

import numpy as np


def beyond_accuracy(
    ranked: np.ndarray, popularity: np.ndarray, *, n_users: int, k: int = 20
) -> dict[str, float]:
    """Measures over the first k of all lists.

    With c_j the lists that hold item j, p_j its training interactions and J items:
    coverage = the share of j with c_j > 0; novelty = the mean of -log2(max(p_j, 1) / I) over all
    entries; popularity = the mean of p_j over all entries; gini = sum_j (2 j - J - 1) c_j /
    (J sum c), c in ascending order: 0 where all items are given equally often, 1 - 1/J
    where one item is all that is given.

    Args:
      ranked: int[n, K], item ids in rank order, -1 where there was no candidate.
      popularity: int[J], training interactions of each item.
      n_users: I.
      k: length of the lists that counts.

    Returns:
      "coverage@k", "novelty@k", "popularity@k" and "gini@k".

    >>> beyond_accuracy(np.array([[0, 1], [0, -1]]), np.array([2, 1, 1, 0]), n_users=4, k=1)
    {'coverage@1': 0.25, 'novelty@1': 1.0, 'popularity@1': 2.0, 'gini@1': 0.75}
    """
    entries = ranked[:, :k].ravel()
    entries = entries[entries >= 0]
    n_items = len(popularity)
    given = np.bincount(entries, minlength=n_items)
    total = max(1, len(entries))
    order = 2 * np.arange(1, n_items + 1) - n_items - 1
    shares = np.maximum(popularity[entries], 1) / n_users
    values = {
        "coverage": float((given > 0).mean()),
        "novelty": float(-np.log2(shares).sum()) / total,
        "popularity": float(popularity[entries].sum()) / total,
        "gini": float(order @ np.sort(given)) / (n_items * total),
    }
    return {f"{name}@{k}": value for name, value in values.items()}
