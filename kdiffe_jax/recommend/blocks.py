"""The best of many rows, a block of lists at a time.

By inner product they are ranked on the device by `ranking.rank_all`, which evaluation uses too;
blocks and lengths are rounded up to few shapes, so that lists for one user, ten or all share
compiled programs.
By scores that are there already they are ranked on the host, where nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.ranking import rank_all
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.ops.ragged import Ragged, ragged

_SCORES_AT_ONCE = 1 << 25
_FEWEST, _MOST = 8, 1024


class Best(NamedTuple):
    """Rows by descending score, equal scores by row number; fewer than k end in -1, nan."""

    rows: np.ndarray  # i32[n, k]
    scores: np.ndarray  # f32[n, k]


def block_size(n_rows: int) -> int:
    """Vectors ranked at once against so many rows; bounds the memory.

    >>> block_size(18_000), block_size(1_000_000)
    (1024, 32)
    """
    return max(_FEWEST, min(_MOST, power_of_two(_SCORES_AT_ONCE // max(1, n_rows) // 2 + 1)))


def best_rows(
    vectors: np.ndarray, matrix: jax.Array, excluded: np.ndarray, *, k: int
) -> Iterator[Best]:
    """The k best rows of `matrix` by inner product, a block of vectors after another.

    Args:
      vectors: f32[n, d].
      matrix: f32[J, d].
      excluded: int[m, 2] of (vector, row) that are not listed, sorted.
      k: at least 1; J where that is smaller.

    Yields:
      `Best` of at most `block_size(J)` vectors each, in order.
    """
    most, length = block_size(matrix.shape[0]), min(_round_length(k), matrix.shape[0])
    for start in range(0, len(vectors), most):
        part = vectors[start : start + most]
        inside = np.searchsorted(excluded[:, 0], [start, start + len(part)])
        pairs = excluded[slice(*inside)] - np.array([start, 0])
        rows, scores = _best_of_block(part, matrix, pairs, k=length, most=most)
        yield Best(rows[:, :k], scores[:, :k])


def best_columns(scores: np.ndarray, k: int) -> Best:
    """The k largest of every row, equal ones by column; -inf is never listed.

    Args:
      scores: f32[n, J].
      k: at most J.

    >>> best_columns(np.float32([[1, 3, 3, -np.inf]]), 4).rows.tolist()
    [[1, 2, 0, -1]]
    """
    keys = _descending(scores).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(scores.shape[1], dtype=np.uint64)
    keys.partition(k - 1, axis=1)
    keys = np.sort(keys[:, :k], axis=1)
    rows = (keys & np.uint64(0xFFFFFFFF)).astype(np.int32)
    values = np.take_along_axis(scores, rows, axis=1)
    absent = np.isneginf(values)
    return Best(np.where(absent, -1, rows), np.where(absent, np.float32(np.nan), values))


def nearest_by_product(unit: jax.Array, rows: np.ndarray, k: int) -> Best:
    """Lists of some rows among all of them, never themselves, by the inner product.

    Args:
      unit: f32[J, d].
      rows: int[n].
      k: cut to J.
    """
    itself = np.stack([np.arange(len(rows)), rows], axis=1)
    return _joined(best_rows(np.asarray(unit)[rows], unit, itself, k=k), min(k, len(unit)))


def nearest_by_scores(
    scores_of: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, n_all: int, k: int
) -> Best:
    """As `nearest_by_product`, by scores f32[b, J] that a function makes of b rows."""

    def blocks():
        size = block_size(n_all)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            scores = scores_of(part)
            scores[np.arange(len(part)), part] = -np.inf
            yield best_columns(scores, min(k, n_all))

    return _joined(blocks(), min(k, n_all))


def _joined(blocks: Iterable[Best], k: int) -> Best:
    nothing = Best(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
    return Best(*map(np.concatenate, zip(nothing, *blocks, strict=True)))


def _descending(scores: np.ndarray) -> np.ndarray:
    """uint32 whose order is the reverse of that of float32 values."""
    bits = (0.0 - scores).view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, ~bits, bits | np.uint32(1 << 31))


def _best_of_block(vectors, matrix, excluded, *, k: int, most: int) -> Best:
    n = len(vectors)
    size = min(most, max(_FEWEST, power_of_two(n)))
    padded = jnp.asarray(np.pad(vectors, ((0, size - n), (0, 0))), jnp.float32)
    task = RankingTask(
        users=jnp.arange(size),
        seen=_lists(excluded, size, missing=matrix.shape[0]),
        relevant=jnp.full((size, 1), -1),
    )
    rows = rank_all(padded, matrix, task, k=k, block=size)
    scores = _scores(padded, matrix, rows)
    return Best(np.asarray(rows)[:n], np.asarray(scores)[:n])


def _lists(pairs: np.ndarray, n_vectors: int, *, missing: int) -> Ragged:
    """The excluded rows of each vector; lengths are powers of two."""
    found = ragged(*pairs.T, n_rows=n_vectors)
    more = power_of_two(len(found.values)) - len(found.values)
    return found._replace(
        values=np.pad(found.values, (0, more), constant_values=missing),
        positions=np.arange(power_of_two(len(found.positions)), dtype=np.int32),
    )


@jax.jit
def _scores(vectors: jax.Array, matrix: jax.Array, rows: jax.Array) -> jax.Array:
    values = jnp.sum(vectors[:, None] * matrix[jnp.maximum(rows, 0)], axis=-1)
    return jnp.where(rows >= 0, values, jnp.nan)


def _round_length(k: int) -> int:
    """The smallest of 10, 20, 50, 100, 200 and so on that is at least k.

    >>> [_round_length(k) for k in (1, 10, 11, 21, 51, 1000, 1001)]
    [10, 10, 20, 50, 100, 1000, 2000]
    """
    tens = 10
    while tens * 10 <= k:
        tens *= 10
    return next(tens * more for more in (1, 2, 5, 10) if tens * more >= k)


def power_of_two(size: int) -> int:
    """The smallest power of two that is at least `size`."""
    return 1 << max(0, size - 1).bit_length()
