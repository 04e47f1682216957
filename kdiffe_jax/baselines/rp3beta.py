"""RP3beta: three-step walks user -> item -> user -> item, popularity damped (Paudel, 2017).

With degrees d of users and items in training, the weight from item i to item j is
W_ij = d_i^-alpha (sum over the users v of both of d_v^-alpha) d_j^-beta, without i = j, and
users score R W. Only the strongest weights stay: those of each source i, or of each target j.

Nothing dense is held but the scores of one block of users. W has at most J x neighbours
entries; the products are made in blocks of items whose walks are counted beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.baselines.interactions import interaction_matrix, reciprocal_power
from kdiffe_jax.rankers import Ranker, score_ranker

# Products of one block of items before equal pairs are added up: 16 bytes each.
_WALKS_AT_ONCE = 2**24


def fit_rp3beta(
    bench: Bench, *, alpha: float, beta: float, prune: str, neighbours: int = 100
) -> Ranker:
    """Ranks by R W; for the arguments see `item_weights`."""
    matrix = interaction_matrix(bench)
    weights = item_weights(matrix, alpha=alpha, beta=beta, prune=prune, neighbours=neighbours)

    def scores(users: np.ndarray) -> np.ndarray:
        return (matrix[users] @ weights).astype(np.float32).toarray()

    return score_ranker(scores, n_items=bench.n_items, block=bench.eval.eval_block)


def item_weights(
    matrix: sparse.csr_array, *, alpha: float, beta: float, prune: str, neighbours: int
) -> sparse.csr_array:
    """W, pruned; equal weights at the edge stay in the order of item ids.

    Args:
      matrix: f64[I, J], R.
      alpha: exponent of the degrees that a walk leaves.
      beta: exponent of the degree that it reaches.
      prune: "source" keeps the strongest targets of each item, "target" the strongest
        sources.
      neighbours: how many stay.

    Returns:
      f64[J, J], W_ij in row i.
    """
    user_scale = reciprocal_power(matrix.sum(axis=1), alpha)
    degrees = matrix.sum(axis=0)
    leaving, reaching = reciprocal_power(degrees, alpha), reciprocal_power(degrees, beta)
    rows, columns = (leaving, reaching) if prune == "source" else (reaching, leaving)
    walks = sparse.diags_array(user_scale) @ matrix @ sparse.diags_array(columns)
    back = matrix.T.tocsr()
    kept = [
        _strongest(_without_self(back[start:stop] @ walks, start), neighbours)
        for start, stop in _item_blocks(matrix)
    ]
    weights = sparse.diags_array(rows) @ sparse.vstack(kept, format="csr")
    return weights if prune == "source" else weights.T.tocsr()


def _item_blocks(matrix: sparse.csr_array) -> Iterator[tuple[int, int]]:
    """Ranges of items whose two-step walks are few enough to hold; one item at least."""
    walks = np.cumsum(matrix.T @ matrix.sum(axis=1))
    start = 0
    while start < len(walks):
        before = walks[start - 1] if start else 0
        stop = int(np.searchsorted(walks, before + _WALKS_AT_ONCE, side="right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def _without_self(block: sparse.csr_array, first_item: int) -> sparse.csr_array:
    entries = block.tocoo()
    rows, columns = entries.coords
    other = rows + first_item != columns
    return sparse.csr_array(
        (entries.data[other], (rows[other], columns[other])), shape=block.shape
    )


def _strongest(block: sparse.csr_array, k: int) -> sparse.csr_array:
    """The k largest entries of every row; of equals, those of the first columns."""
    block.sort_indices()
    lengths = np.diff(block.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((-block.data.astype(np.float32), rows))
    place = np.arange(len(rows)) - block.indptr[rows]
    kept = order[place < k]
    return sparse.csr_array((block.data[kept], (rows[kept], block.indices[kept])), block.shape)
