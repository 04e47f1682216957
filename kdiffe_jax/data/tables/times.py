"""Times of interactions: numbers of one unit, ISO dates, or what Parquet stores as time."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.time_units import TimeUnits
from kdiffe_jax.data.tables.values import Place, converts, first_unfit, shown, without_blanks
from kdiffe_jax.errors import DataError

_REMEDY = "mend it, or ignore times with --time_column=none"
_ONE_FORM = "use one form, or ignore times with --time_column=none"
_LARGEST = 2**62
_EXACT = 2**53
# A time of day with a zone behind it; the month and day of a date are none.
_ZONE = r"[T ]\d\d.*(Z|[+-]\d\d(:?\d\d)?)$"
# What a spreadsheet makes of a long number: 1.59E+09.
_SHORTENED = r"^\d(\.\d{1,5})?[eE]\+?(0?[6-9]|1\d)$"


class Times:
    """Collects the times of the rows of one or several tables, part by part.

    Integers stay as they are. If any time has a fraction, all are scaled so that they
    keep their order to a millionth, or as far as 64 bits reach. Dates become
    nanoseconds since 1970; those without a zone count as UTC.

    Attributes:
      scale: by what `finish` multiplied the numbers.
    """

    def __init__(self):
        self.scale = 1
        self._kind = self._first = ""
        self._chunks: list[np.ndarray] = []
        self._first_missing = ""
        self._rows = self._missing = 0
        self._units = TimeUnits()
        self._zoned = self._unzoned = 0

    def add(self, values, place: Place) -> None:
        """Takes the times of some rows.

        Args:
          values: pyarrow array of text, numbers, timestamps or dates.
          place: file and row of the value at an index.

        Raises:
          DataError: neither number nor date, a number that a spreadsheet has shortened, or
            dates here and numbers elsewhere.
        """
        values = without_blanks(values)
        if values.null_count and not self._first_missing:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._first_missing = place(int(np.argmax(missing)))
        self._rows += len(values)
        self._missing += values.null_count
        if values.null_count == len(values):
            return
        kind, chunk = self._read(values, place)
        here = place(int(np.argmax(values.is_valid().to_numpy(zero_copy_only=False))))
        if self._kind not in ("", kind):
            raise DataError(
                f"{here}: the time is a {kind} here and a {self._kind} in {self._first}; "
                f"{_ONE_FORM}"
            )
        if kind == "number":
            self._units.add(chunk, place)
        self._kind, self._first = kind, self._first or here
        self._chunks.append(chunk)

    def finish(self) -> np.ndarray | None:
        """int64[n] that grows with time; None where no row has a time.

        Raises:
          DataError: some rows have a time and some have none, or times are of several units.
        """
        if self._missing == self._rows:
            return None
        if self._missing:
            raise DataError(
                f"{self._first_missing}: no time, as in {self._missing} of {self._rows} rows; "
                "fill it in, remove the row, or ignore times with --time_column=none"
            )
        self._units.refuse_several(_REMEDY)
        times = np.concatenate(self._chunks)
        if times.dtype != np.int64:
            times, self.scale = _scaled(times)
        return times

    def note(self) -> str:
        """Says that some times have a zone and some have none; empty where all are alike."""
        if not (self._zoned and self._unzoned):
            return ""
        return (
            f"{self._unzoned} of {self._zoned + self._unzoned} times have no zone and count as "
            "UTC, the others have one"
        )

    def _read(self, values, place: Place) -> tuple[str, np.ndarray]:
        """What kind of times these are, and int64 or float64; missing ones may be anything."""
        pa = arrow()
        if pa.types.is_temporal(values.type):
            zoned = getattr(values.type, "tz", None) is not None
            self._count_zones(np.full(len(values) - values.null_count, zoned))
            return "date", _moments(values, place)
        if pa.types.is_nested(values.type):
            raise _no_moments(values, place)
        _refuse_shortened(values, place)
        if converts(values, pa.int64()):
            return "number", _integers(values)
        if converts(values, pa.float64()):
            return "number", _floats(values, place)
        zoned = _has_zone(values, place)
        self._count_zones(zoned[values.is_valid().to_numpy(zero_copy_only=False)])
        return "date", _dates(values, zoned, place)

    def _count_zones(self, zoned: np.ndarray) -> None:
        self._zoned += int(zoned.sum())
        self._unzoned += int((~zoned).sum())


def _moments(values, place: Place) -> np.ndarray:
    """int64[n] nanoseconds of what Parquet stores as time."""
    moment = arrow().timestamp("ns")
    index = first_unfit(values, moment)
    if index is None:
        return _integers(values.cast(moment))
    if converts(values, arrow().timestamp("s")):
        raise _refusal(values, index, place)
    raise _no_moments(values, place)


def _no_moments(values, place: Place) -> DataError:
    return DataError(f"{place(0)}: times of type {values.type} are no moments; {_REMEDY}")


def _refuse_shortened(values, place: Place) -> None:
    pa = arrow()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return
    short = pa.compute.match_substring_regex(values, _SHORTENED).fill_null(False)
    if (index := pa.compute.index(short, True).as_py()) >= 0:
        raise DataError(
            f"{place(index)}: time {shown(values, index)} has lost digits, as a spreadsheet "
            "shortens long numbers; write it in full, or ignore times with --time_column=none"
        )


def _floats(values, place: Place) -> np.ndarray:
    found = values.cast(arrow().float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
    unfit = ~(np.abs(found) < _LARGEST)
    if unfit.any():
        raise _refusal(values, int(np.argmax(unfit)), place)
    return found


def _has_zone(values, place: Place) -> np.ndarray:
    """bool[n]: which dates name a zone; of missing ones anything."""
    pa = arrow()
    if not converts(values, pa.string()):
        raise _refusal(values, 0, place)
    zoned = pa.compute.match_substring_regex(values.cast(pa.string()), _ZONE)
    return zoned.fill_null(False).to_numpy(zero_copy_only=False)


def _dates(values, zoned: np.ndarray, place: Place) -> np.ndarray:
    """int64[n] nanoseconds of dates as text, with and without a zone."""
    pa = arrow()
    found, unfit = np.zeros(len(values), np.int64), len(values)
    for rows, zone in ((np.flatnonzero(zoned), "UTC"), (np.flatnonzero(~zoned), None)):
        some, kind = values.take(pa.array(rows)), pa.timestamp("ns", zone)
        index = first_unfit(some, kind)
        if index is None:
            found[rows] = _integers(some.cast(kind))
        else:
            unfit = min(unfit, int(rows[index]))
    if unfit < len(values):
        _refuse_two_forms(values, unfit, zoned, place)
        raise _refusal(values, unfit, place)
    return found


def _refuse_two_forms(values, no_date: int, zoned: np.ndarray, place: Place) -> None:
    """Refuses a date below numbers, or a number below dates.

    Args:
      no_date: the first that is no date.
      zoned: bool[n], which dates name a zone.
    """
    pa = arrow()
    no_number = first_unfit(values, pa.float64()) or 0
    index, other = max(no_date, no_number), min(no_date, no_number)
    if index == other:
        return
    kind = pa.timestamp("ns", "UTC" if zoned[index] else None)
    if index == no_date:
        kind = pa.float64()
    if not converts(values[index : index + 1], kind):
        raise _refusal(values, index, place)
    here, there = ("date", "number") if index == no_number else ("number", "date")
    raise DataError(
        f"{place(index)}: time {shown(values, index)} is a {here}, but {shown(values, other)} in "
        f"{place(other)} a {there}; {_ONE_FORM}"
    )


def _integers(values) -> np.ndarray:
    return values.cast(arrow().int64()).fill_null(0).to_numpy(zero_copy_only=False)


def _refusal(values, index: int, place: Place) -> DataError:
    here, pa = values[index : index + 1], arrow()
    what = "is neither a number nor a date such as 2024-05-31T12:00:00"
    if any(converts(here, pa.timestamp("s", zone)) for zone in (None, "UTC")):
        what = "is a date outside the years 1678 to 2261"
        here = here.cast(pa.string())
    return DataError(f"{place(index)}: time {shown(here, 0)} {what}; {_REMEDY}")


def _scaled(times: np.ndarray) -> tuple[np.ndarray, int]:
    """int64[n], and by what the times were multiplied."""
    largest = np.abs(times).max()
    if (times == np.rint(times)).all() and largest < _EXACT:
        return times.astype(np.int64), 1
    scale = next(scale for scale in (10**6, 10**3, 1) if largest * scale < _LARGEST)
    return np.rint(times * scale).astype(np.int64), scale
