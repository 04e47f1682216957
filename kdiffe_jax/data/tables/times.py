"""Times of interactions: numbers of any unit, ISO dates, or what Parquet stores as time."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.values import Place, converts, first_unfit, shown, without_blanks
from kdiffe_jax.errors import DataError

_REMEDY = "mend it, or ignore times with --time_column=none"
_LARGEST = 2**62
_EXACT = 2**53


class Times:
    """Collects the times of the rows of one or several tables, part by part.

    Integers stay as they are. If any time has a fraction, all are scaled so that they
    keep their order to a millionth, or as far as 64 bits reach. Dates become
    nanoseconds since 1970; those without a zone count as UTC.
    """

    def __init__(self):
        self._kind = ""
        self._chunks: list[np.ndarray] = []
        self._first_missing = ""
        self._rows = self._missing = 0

    def add(self, values, place: Place) -> None:
        """Takes the times of some rows.

        Args:
          values: pyarrow array of text, numbers, timestamps or dates.
          place: file and row of the value at an index.

        Raises:
          DataError: neither number nor date, or dates here and numbers elsewhere.
        """
        values = without_blanks(values)
        if values.null_count and not self._first_missing:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._first_missing = place(int(np.argmax(missing)))
        self._rows += len(values)
        self._missing += values.null_count
        if values.null_count == len(values):
            return
        kind, chunk = _read(values, place)
        if self._kind not in ("", kind):
            raise DataError(f"{place(0)}: times are {kind} here and {self._kind} before; {_REMEDY}")
        self._kind = kind
        self._chunks.append(chunk)

    def finish(self) -> np.ndarray | None:
        """int64[n] that grows with time; None where no row has a time.

        Raises:
          DataError: some rows have a time and some have none.
        """
        if self._missing == self._rows:
            return None
        if self._missing:
            raise DataError(
                f"{self._first_missing}: no time, as in {self._missing} of {self._rows} rows; "
                "fill it in, remove the row, or ignore times with --time_column=none"
            )
        times = np.concatenate(self._chunks)
        return times if times.dtype == np.int64 else _scaled(times)


def _read(values, place: Place) -> tuple[str, np.ndarray]:
    """What kind of times these are, and int64 or float64; missing ones may be anything."""
    pa = arrow()
    moment = pa.timestamp("ns")
    if pa.types.is_temporal(values.type) and converts(values, moment):
        return "dates", _integers(values.cast(moment))
    if pa.types.is_temporal(values.type) or pa.types.is_nested(values.type):
        raise DataError(f"{place(0)}: times of type {values.type} are no moments; {_REMEDY}")
    if converts(values, pa.int64()):
        return "numbers", _integers(values)
    if converts(values, pa.float64()):
        found = values.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        unfit = ~(np.abs(found) < _LARGEST)
        if unfit.any():
            raise _refusal(values, int(np.argmax(unfit)), place)
        return "numbers", found
    for kind in (moment, pa.timestamp("ns", "UTC")):
        if converts(values, kind):
            return "dates", _integers(values.cast(kind))
    kinds = (pa.float64(), moment, pa.timestamp("ns", "UTC"))
    raise _refusal(values, max(first_unfit(values, kind) for kind in kinds), place)


def _integers(values) -> np.ndarray:
    return values.cast(arrow().int64()).fill_null(0).to_numpy(zero_copy_only=False)


def _refusal(values, index: int, place: Place) -> DataError:
    return DataError(
        f"{place(index)}: time {shown(values, index)} is neither a number nor a date such as "
        f"2024-05-31T12:00:00; {_REMEDY}"
    )


def _scaled(times: np.ndarray) -> np.ndarray:
    largest = np.abs(times).max()
    if (times == np.rint(times)).all() and largest < _EXACT:
        return times.astype(np.int64)
    scale = next(scale for scale in (1e6, 1e3, 1.0) if largest * scale < _LARGEST)
    return np.rint(times * scale).astype(np.int64)
