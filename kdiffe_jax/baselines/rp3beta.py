"""RP3beta: three-step walks user -> item -> user -> item, popularity damped (Paudel, 2017).

With degrees d of users and items in training, the weight from item i to item j is
W_ij = d_i^-alpha (sum over the users v of both of d_v^-alpha) d_j^-beta, without i = j, and
users score R W. Only the strongest weights stay: those of each source i, or of each target j.

Nothing dense is held but the scores of one block of users. W has at most J x neighbours
entries, and is made from blocks of items whose walks are counted beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse

from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.baselines.interactions import interaction_matrix, reciprocal_power
from kdiffe_jax.rankers import Ranker, score_ranker

# Walks of one block of items; few, so that a block stays in the processor's cache.
_WALKS_AT_ONCE = 2**19
# Walks that are kept from one point of the grid to the next, at most 12 bytes each.
_WALKS_KEPT = 2**25

Block = tuple[int, sparse.csr_array]  # the first item, and a row for each item from there on


class RP3beta:
    """Holds R, and the walks of the latest alpha where they are few.

    Args:
      bench: its training interactions.
    """

    def __init__(self, bench: Bench):
        self._matrix = interaction_matrix(bench)
        self._walks: tuple[float, list[Block]] | None = None

    def fit(self, *, alpha: float, beta: float, prune: str, neighbours: int = 100) -> Ranker:
        """Ranks by R W; for the arguments see `item_weights`."""
        matrix = self._matrix
        weights = item_weights(
            matrix,
            self._walks_with(alpha),
            alpha=alpha,
            beta=beta,
            prune=prune,
            neighbours=neighbours,
        )

        def scores(users: np.ndarray) -> np.ndarray:
            return (matrix[users] @ weights).astype(np.float32).toarray()

        return score_ranker(scores, n_items=matrix.shape[1])

    def _walks_with(self, alpha: float) -> Iterable[Block]:
        if self._matrix.sum(axis=1) @ self._matrix.sum(axis=1) > _WALKS_KEPT:
            return walk_blocks(self._matrix, alpha)
        if self._walks is None or self._walks[0] != alpha:
            self._walks = (alpha, list(walk_blocks(self._matrix, alpha)))
        return self._walks[1]


def walk_blocks(matrix: sparse.csr_array, alpha: float) -> Iterator[Block]:
    """R^T D^-alpha R over the users' degrees, some items at a time.

    Args:
      matrix: f64[I, J], R.
      alpha: exponent of the users' degrees.

    Yields:
      The first item and f64[items, J] with sorted indices; an item whose walks are too many
      for a block has one of its own.
    """
    scaled = sparse.diags_array(reciprocal_power(matrix.sum(axis=1), alpha)) @ matrix
    back = matrix.T.tocsr()
    walks = np.cumsum(back @ matrix.sum(axis=1))
    start = 0
    while start < len(walks):
        before = walks[start - 1] if start else 0
        stop = int(np.searchsorted(walks, before + _WALKS_AT_ONCE, side="right"))
        stop = max(stop, start + 1)
        block = back[start:stop] @ scaled
        block.sort_indices()
        yield start, block
        start = stop


def item_weights(
    matrix: sparse.csr_array,
    walks: Iterable[Block],
    *,
    alpha: float,
    beta: float,
    prune: str,
    neighbours: int,
) -> sparse.csr_array:
    """W, pruned; equal weights at the edge are taken in the order of item ids.

    Args:
      matrix: f64[I, J], R.
      walks: from `walk_blocks` with the same alpha.
      alpha: exponent of the degrees that a walk leaves.
      beta: exponent of the degree that it reaches.
      prune: "source" keeps the strongest targets of each item, "target" the strongest
        sources.
      neighbours: how many stay.

    Returns:
      f64[J, J], W_ij in row i.
    """
    degrees = matrix.sum(axis=0)
    leaving, reaching = reciprocal_power(degrees, alpha), reciprocal_power(degrees, beta)
    rows, columns = (leaving, reaching) if prune == "source" else (reaching, leaving)
    kept = [_strongest(block, first, columns, neighbours) for first, block in walks]
    weights = sparse.diags_array(rows) @ sparse.vstack(kept, format="csr")
    return weights if prune == "source" else weights.T.tocsr()


def _strongest(block: sparse.csr_array, first_item: int, scale: np.ndarray, k: int):
    """The k largest entries of every row of block x diag(scale), the item itself left out."""
    starts, lengths = block.indptr[:-1], np.diff(block.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    values = np.where(rows + first_item == block.indices, 0.0, block.data * scale[block.indices])
    order = _descending(values)
    edge = _at_place(order, rows, starts, lengths, k)
    above, equal = order < edge[rows], order == edge[rows]
    room = k - np.bincount(rows, above, minlength=len(lengths))
    before = np.concatenate([[0], np.cumsum(equal)])
    kept = above | (equal & (before[:-1] - before[starts][rows] < room[rows]))
    kept &= values > 0
    columns = block.indices[kept]
    return sparse.csr_array((values[kept], (rows[kept], columns)), shape=block.shape)


def _descending(values: np.ndarray) -> np.ndarray:
    """uint32 whose order is the reverse of that of float32 values, none negative."""
    return ~values.astype(np.float32).view(np.uint32)


def _at_place(order, rows, starts, lengths, k: int) -> np.ndarray:
    """The k-th smallest of every row, the largest number where a row is shorter."""
    in_order = np.sort(rows.astype(np.uint64) << np.uint64(32) | order)
    long = lengths >= k
    edge = np.full(len(lengths), np.iinfo(np.uint32).max, np.uint32)
    edge[long] = in_order[starts[long] + k - 1].astype(np.uint32)
    return edge
