"""The best rows of a matrix for any number of vectors, a block at a time.

Blocks go through `ranking.rank_all`, which evaluation uses too. They are padded to few
shapes, so that lists for one user, ten or all users share compiled programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.ranking import rank_all
from kdiffe_jax.types import RankingTask

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
    return max(_FEWEST, min(_MOST, _power_of_two(_SCORES_AT_ONCE // max(1, n_rows) // 2 + 1)))


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
    most = block_size(matrix.shape[0])
    for start in range(0, len(vectors), most):
        part = vectors[start : start + most]
        inside = np.searchsorted(excluded[:, 0], [start, start + len(part)])
        pairs = excluded[slice(*inside)] - np.array([start, 0])
        yield _best_of_block(part, matrix, pairs, k=k, most=most)


def _best_of_block(vectors, matrix, excluded, *, k: int, most: int) -> Best:
    n = len(vectors)
    size = min(most, max(_FEWEST, _power_of_two(n)))
    padded = jnp.asarray(np.pad(vectors, ((0, size - n), (0, 0))), jnp.float32)
    task = RankingTask(
        users=jnp.arange(size),
        seen=jnp.asarray(_table(excluded, size, fill=matrix.shape[0])),
        relevant=jnp.full((size, 1), -1),
    )
    rows = rank_all(padded, matrix, task, k=k, block=size)
    scores = _scores(padded, matrix, rows)
    return Best(np.asarray(rows)[:n], np.asarray(scores)[:n])


def _table(pairs: np.ndarray, n_vectors: int, *, fill: int) -> np.ndarray:
    """i32[n, S]: the excluded rows of each vector, S a power of two."""
    counts = np.bincount(pairs[:, 0], minlength=n_vectors)
    table = np.full((n_vectors, _power_of_two(int(counts.max(initial=1)))), fill, np.int32)
    position = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[pairs[:, 0], position] = pairs[:, 1]
    return table


@jax.jit
def _scores(vectors: jax.Array, matrix: jax.Array, rows: jax.Array) -> jax.Array:
    values = jnp.sum(vectors[:, None] * matrix[jnp.maximum(rows, 0)], axis=-1)
    return jnp.where(rows >= 0, values, jnp.nan)


def _power_of_two(size: int) -> int:
    """The smallest power of two that is at least `size`."""
    return 1 << max(0, size - 1).bit_length()
