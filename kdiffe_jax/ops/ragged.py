"""Lists of different lengths, one behind the other, of which some are laid side by side."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

NOWHERE = np.iinfo(np.int32).max  #: a place behind every array


class Ragged(NamedTuple):
    """n lists of ids."""

    starts: jax.Array  #: i32[n + 1]
    values: jax.Array  #: i32[m]
    positions: jax.Array  #: i32[S], 0 to S - 1, S the length of the longest, at least 1


def ragged(rows: np.ndarray, values: np.ndarray, *, n_rows: int) -> Ragged:
    """Lists of what stands in each row, on the host.

    Args:
      rows: int[m] of 0 to n - 1, ascending.
      values: int[m].
      n_rows: n.

    >>> lists = ragged(np.array([0, 0, 2]), np.array([5, 7, 6]), n_rows=3)
    >>> padded(lists, np.array([2, 0, 1]), -1).tolist()
    [[6, -1], [5, 7], [-1, -1]]
    """
    lengths = np.bincount(rows, minlength=n_rows)
    parts = np.append(0, np.cumsum(lengths)), values, np.arange(max(1, lengths.max(initial=0)))
    return Ragged(*(np.asarray(part, np.int32) for part in parts))


def padded(lists: Ragged, rows: jax.Array, missing: int) -> jax.Array:
    """Some lists as a table.

    Args:
      lists: all.
      rows: i32[b], which.
      missing: what stands behind a list that is shorter than the longest of all.

    Returns:
      i32[b, S].
    """
    return read_at(lists.values, places_of(lists.starts, lists.positions, rows), missing)


def taken(lists: Ragged, rows: np.ndarray) -> Ragged:
    """Some of the lists, on the host, in the order of `rows`.

    >>> lists = ragged(np.array([0, 0, 2]), np.array([5, 7, 6]), n_rows=3)
    >>> taken(lists, np.array([2, 0])).values.tolist()
    [6, 5, 7]
    """
    starts, values, _ = map(np.asarray, lists)
    lengths = np.diff(starts)[rows]
    of_list = np.repeat(np.arange(len(rows)), lengths)
    inside = np.arange(len(of_list)) - (np.cumsum(lengths) - lengths)[of_list]
    return ragged(of_list, values[starts[rows][of_list] + inside], n_rows=len(rows))


def places_of(starts: jax.Array, positions: jax.Array, rows: jax.Array) -> jax.Array:
    """Where the values of some lists stand: i32[b, S], `NOWHERE` behind a shorter list.

    Args:
      starts, positions: of `Ragged`.
      rows: i32[b], which lists.
    """
    starts = jnp.asarray(starts)
    places = starts[rows][:, None] + positions[None]
    return jnp.where(places < starts[rows + 1][:, None], places, NOWHERE)


def read_at(values: jax.Array, places: jax.Array, missing: int | float) -> jax.Array:
    """What stands in `places` of `places_of`, and `missing` where nothing does."""
    if not values.shape[0]:
        return jnp.full(places.shape, missing, values.dtype)
    return jnp.asarray(values).at[places].get(mode="fill", fill_value=missing)
