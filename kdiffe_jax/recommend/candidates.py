"""Ranking among some items only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.recommend.blocks import Best, best_rows, power_of_two
from kdiffe_jax.recommend.ids import Ids, listed

_LOWEST = -1e38  #: below every score, and finite where products are made of bfloat16


def allowed_items(
    ids: Ids, candidates: Iterable | None, filter: Callable[[str], bool] | None
) -> np.ndarray | None:
    """i32[n]: the rows that may be listed, ascending; None for all.

    Raises:
      DataError: a candidate that is not known.
    """
    if candidates is None and filter is None:
        return None
    rows = np.arange(len(ids), dtype=np.int32)
    if candidates is not None:
        rows = np.unique(ids.numbers(listed(candidates)))
    if filter is not None:
        rows = rows[[bool(filter(ids.ids[row])) for row in rows.tolist()]]
    return rows


def among(
    allowed: np.ndarray | None, vectors: np.ndarray, matrix: jax.Array, excluded: np.ndarray, k: int
) -> Best:
    """The best of the allowed rows for each vector, as i32[n, k] and f32[n, k].

    Args:
      allowed: as `allowed_items` gives them.
      vectors: f32[n, d], at most a block of them.
      matrix: f32[J, d].
      excluded: int[m, 2] of (vector, row), sorted.
      k: places of a list, at most J.
    """
    rows = np.full((len(vectors), k), -1, np.int32)
    scores = np.full((len(vectors), k), np.nan, np.float32)
    if allowed is not None:
        if not len(allowed):
            return Best(rows, scores)
        vectors, matrix = _padded(vectors, matrix, allowed)
        place = np.minimum(np.searchsorted(allowed, excluded[:, 1]), len(allowed) - 1)
        inside = allowed[place] == excluded[:, 1]
        excluded = np.stack([excluded[inside, 0], place[inside]], axis=1)
    start = 0
    for found, values in best_rows(vectors, matrix, excluded, k=k):
        part = slice(start, start + len(found)), slice(0, found.shape[1])
        if allowed is not None:
            listed = (found >= 0) & (found < len(allowed))
            found = np.where(listed, allowed[np.where(listed, found, 0)], -1)
            values = np.where(listed, values, np.float32(np.nan))
        rows[part], scores[part] = found, values
        start += len(found)
    return Best(rows, scores)


def _padded(
    vectors: np.ndarray, matrix: jax.Array, allowed: np.ndarray
) -> tuple[np.ndarray, jax.Array]:
    """The allowed rows, and more behind all of them in every list: one program for many numbers.

    An additional column is 0 for the allowed rows, which changes no score of theirs.
    """
    more = power_of_two(len(allowed)) - len(allowed)
    place = jnp.asarray(np.pad(allowed, (0, more)))
    behind = jnp.where(jnp.arange(len(place)) < len(allowed), 0.0, _LOWEST)[:, None]
    wider = jnp.concatenate([matrix[place] * (behind == 0), behind], axis=1)
    return np.pad(vectors, ((0, 0), (0, 1)), constant_values=1.0), wider
