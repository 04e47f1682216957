"""Dense matrices with one row an item: checked, and walked through in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kdiffe_jax.errors import DataError

BLOCK_NUMBERS = 2**24


def row_blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Slices over all rows; at `width` numbers a row, each holds at most `BLOCK_NUMBERS`.

    >>> list(row_blocks(5, BLOCK_NUMBERS // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, BLOCK_NUMBERS // max(width, 1))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def rows_with_content(what: str, rows: np.ndarray) -> np.ndarray:
    """int64: the rows that are not all zero. An item whose row is zero lacks the modality.

    Args:
      what: names the matrix in messages.
      rows: numbers[J, width].

    Raises:
      DataError: no numeric matrix, or a value that is NaN or infinite.

    >>> rows_with_content("image", np.array([[0, 1], [0, 0], [2, 3]])).tolist()
    [0, 2]
    """
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise DataError(
            f"{what}: shape {rows.shape}, {rows.dtype}: expected a numeric matrix, one row an item"
        )
    found = [np.zeros(0, np.int64)]
    for block in row_blocks(*rows.shape):
        bad = ~np.isfinite(rows[block]).all(axis=1)
        if bad.any():
            row = block.start + int(np.argmax(bad))
            raise DataError(f"{what}, row {row}: a NaN or infinite value; mend the row")
        found.append(block.start + np.flatnonzero(rows[block].any(axis=1)))
    return np.concatenate(found)
