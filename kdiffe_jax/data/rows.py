"""Integer rows: interactions and triples as matrices of ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.errors import DataError

MOST_A_KNOWN_ONE = 100
_LARGEST_CODE = 2.0**62


def sorted_unique(rows: np.ndarray) -> np.ndarray:
    """Integer rows in lexicographic order without duplicates, int32.

    >>> sorted_unique(np.array([[1, 0], [0, 2], [1, 0]])).tolist()
    [[0, 2], [1, 0]]
    """
    rows = np.asarray(rows)
    if not len(rows):
        return rows.astype(np.int32)
    if rows.min() >= 0 and np.prod(rows.max(axis=0) + 1.0) < _LARGEST_CODE:
        return _sorted_by_code(rows)
    rows = rows[np.lexsort(rows.T[::-1])]
    keep = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    return np.ascontiguousarray(rows[keep], np.int32)


def _sorted_by_code(rows: np.ndarray) -> np.ndarray:
    """The same by one number a row, which sorts several times as fast."""
    shape = tuple(int(largest) + 1 for largest in rows.max(axis=0))
    codes = np.ravel_multi_index(tuple(rows.T), shape)
    if not (codes[1:] > codes[:-1]).all():
        codes.sort()
        codes = codes[np.concatenate([[True], codes[1:] != codes[:-1]])]
    found = np.empty((len(codes), rows.shape[1]), np.int32)
    for column, ids in enumerate(np.unravel_index(codes, shape)):
        found[:, column] = ids
    return found


def first_out_of_order(rows: np.ndarray) -> int | None:
    """The first row that does not come after the one before, column by column; None if all do.

    >>> first_out_of_order(np.array([[0, 2], [1, 0], [1, 0]]))
    2
    """
    after = np.zeros(max(0, len(rows) - 1), bool)
    alike = ~after
    for column in rows.T:
        after |= alike & (column[1:] > column[:-1])
        alike &= column[1:] == column[:-1]
    return None if after.all() else 1 + int(np.argmin(after))


def check_ids(rows: np.ndarray, what: str, columns, limits, *, first_row: int = 0) -> None:
    """Refuses rows of another shape, or with an id outside 0..limit - 1.

    Args:
      rows: what should be int[n, number of columns].
      what: their name in the message.
      columns, limits: name and number of ids of every column.
      first_row: what the message calls the first row.

    Raises:
      DataError: names the first bad row.
    """
    if rows.ndim != 2 or rows.shape[1] != len(columns) or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(f"{what}: shape {rows.shape}, {rows.dtype}: expected integers {columns}")
    for position, (column, limit) in enumerate(zip(columns, limits, strict=True)):
        bad = (rows[:, position] < 0) | (rows[:, position] >= limit)
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{what}, row {first_row + row}: {column} {rows[row, position]} is outside "
                f"0..{limit - 1}"
            )


def check_number(
    number: int, what: str, source: str, *ids: np.ndarray, share: Share = ALONE
) -> None:
    """Refuses to believe in so many things that not one in `MOST_A_KNOWN_ONE` occurs.

    Memory is needed for each, so a number of a few digits must not ask for all there is.

    Args:
      number: how many there are said to be.
      what, source: what they are, and who says so.
      ids: those that occur.
      share: whose the ids are; those of all processes count.

    Raises:
      DataError: there are too many.

    >>> check_number(10**9, "users", "dataset.json", np.array([0, 1, 1]))
    Traceback (most recent call last):
    kdiffe_jax.errors.DataError: dataset.json: 1000000000 users, but only 2 occur; mend the number
    """
    known = int(share.summed(np.array([len(np.unique(np.concatenate(ids)))]))[0])
    if number > MOST_A_KNOWN_ONE * (known + 1):
        raise DataError(f"{source}: {number} {what}, but only {known} occur; mend the number")


def position_in_group(groups: np.ndarray) -> np.ndarray:
    """int64[n]: how many equal entries stand before each entry; entries must be grouped.

    >>> position_in_group(np.array([4, 4, 4, 7, 7])).tolist()
    [0, 1, 2, 0, 1]
    """
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    lengths = np.diff(np.append(starts, len(groups)))
    return np.arange(len(groups)) - np.repeat(starts, lengths)


def places_by_relation(
    triples: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Each relation's name, and which rows it has, in their order; one sort for all relations.

    >>> triples = np.array([[0, 1, 4], [1, 0, 2], [2, 1, 3]])
    >>> [(name, places.tolist()) for name, places in places_by_relation(triples, "abc")]
    [('a', [1]), ('b', [0, 2]), ('c', [])]
    """
    order, first = np.argsort(triples[:, 1], kind="stable"), 0
    counts = np.bincount(triples[:, 1], minlength=len(names)).tolist()
    for name, count in zip(names, counts, strict=True):
        yield name, order[first : first + count]
        first += count
