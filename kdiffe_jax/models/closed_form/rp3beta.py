"""RP3beta: three-step walks user -> item -> user -> item, popularity damped (Paudel, 2017).

With degrees d of users and items in training, the weight from item i to item j is
W_ij = d_i^-alpha (sum over the users v of both of d_v^-alpha) d_j^-beta, without i = j, and
users score R W. Only the strongest weights stay: those of each source i, or of each target j.

Nothing dense is held but the scores of one block of users. W has at most J x neighbours
entries, and is made from blocks of items whose walks are counted beforehand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from types import MappingProxyType

import numpy as np
from scipy import sparse

from kdiffe_jax.evaluation.top_k_lists import lists_by_scores
from kdiffe_jax.models.closed_form.base import ClosedForm, Fitted, TunedOptions
from kdiffe_jax.models.closed_form.interactions import reciprocal_power
from kdiffe_jax.options import option

# Walks of one block of items; few, so that a block stays in the processor's cache.
_WALKS_AT_ONCE = 2**19
# Walks that are kept from one point of the grid to the next, at most 12 bytes each.
_WALKS_KEPT = 2**25

Block = tuple[int, sparse.csr_array]  # the first item, and a row for each item from there on


@dataclasses.dataclass(frozen=True)
class RP3betaOptions(TunedOptions):
    """Exponents, and which weights stay."""

    grid = MappingProxyType(
        {
            "alpha": (0.2, 0.4, 0.6, 0.8, 1.0),
            "beta": (0.0, 0.2, 0.4),
            "prune": ("source", "target"),
        }
    )

    alpha: float = option(0.4, "alpha: exponent of the degrees that a walk leaves", low=0.0)
    beta: float = option(0.0, "beta: exponent of the degree of the item it reaches", low=0.0)
    prune: str = option(
        "source",
        "whether the strongest targets of each item stay, or its strongest sources",
        choices=("source", "target"),
    )
    neighbours: int = option(100, "how many stay", low=1)


class RP3beta(ClosedForm):
    """Holds R, and the walks of the latest alpha where they are few."""

    Options = RP3betaOptions
    grid = RP3betaOptions.grid

    _walks: tuple[float, list[Block]] | None = None

    def fit(self, *, alpha: float, beta: float, prune: str, neighbours: int = 100) -> Fitted:
        """Ranks by R W; for the arguments see `item_weights`."""
        weights = item_weights(
            self.matrix,
            self._walks_with(alpha),
            alpha=alpha,
            beta=beta,
            prune=prune,
            neighbours=neighbours,
        )
        matrix = self.matrix.astype(np.float32)

        def scores(users: np.ndarray) -> np.ndarray:
            return (matrix[users] @ weights).toarray()

        users, items = (np.zeros((size, 0), np.float32) for size in matrix.shape)
        rows = {f"item_weights.{n}": getattr(weights, n) for n in ("data", "indices", "indptr")}
        lists = lists_by_scores(scores, n_items=len(items))
        return Fitted(lists, {"users": users, "items": items} | rows)

    def _walks_with(self, alpha: float) -> Iterable[Block]:
        if self.matrix.sum(axis=1) @ self.matrix.sum(axis=1) > _WALKS_KEPT:
            return walk_blocks(self.matrix, alpha)
        if self._walks is None or self._walks[0] != alpha:
            self._walks = (alpha, list(walk_blocks(self.matrix, alpha)))
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
      f32[J, J], W_ij in row i.
    """
    degrees = matrix.sum(axis=0)
    leaving, reaching = reciprocal_power(degrees, alpha), reciprocal_power(degrees, beta)
    rows, columns = (leaving, reaching) if prune == "source" else (reaching, leaving)
    kept = [_strongest(block, first, columns, neighbours) for first, block in walks]
    weights = (sparse.diags_array(rows) @ sparse.vstack(kept, format="csr")).astype(np.float32)
    return weights if prune == "source" else weights.T.tocsr()


def _strongest(block: sparse.csr_array, first_item: int, scale: np.ndarray, k: int):
    """The k largest entries of every row of block x diag(scale), the item itself left out."""
    starts, lengths = block.indptr[:-1], np.diff(block.indptr)
    rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    values = np.where(rows + first_item == block.indices, 0.0, block.data * scale[block.indices])
    order = _descending(values)
    edge = _kth_smallest(order, rows, starts, lengths, k)
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


def _kth_smallest(order, rows, starts, lengths, k: int) -> np.ndarray:
    """The k-th smallest of every row, the largest number where a row is shorter."""
    in_order = np.sort(rows.astype(np.uint64) << np.uint64(32) | order)
    long = lengths >= k
    edge = np.full(len(lengths), np.iinfo(np.uint32).max, np.uint32)
    edge[long] = in_order[starts[long] + k - 1].astype(np.uint32)
    return edge
