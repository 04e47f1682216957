"""Ratings, times and splits of tables: every spelling that is admitted, every one that is not."""

import datetime

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def values_of(path, column: str, values) -> Catalogue:
    """Reads a Parquet table of interactions with one more column."""
    pairs = {"user": [f"u{n}" for n in range(len(values))], "item": ["i"] * len(values)}
    pq.write_table(pa.table({**pairs, column: values}), path / "interactions.parquet")
    return read_tables(path, name="shop")


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("rating", ["1", " 2.5 ", "", "nan"], [1, 2.5, np.nan, np.nan]),
        ("rating", [1, 2, None], [1, 2, np.nan]),
        ("rating", ["", ""], None),
        ("time", ["5", " 7"], [5, 7]),
        ("time", [2**60 + 1, 5], [2**60 + 1, 5]),
        ("time", ["1500000000.0", "3"], [1500000000, 3]),
        ("time", ["1.5", "3"], [1_500_000, 3_000_000]),
        ("time", [1.5e15, 0.5], [15 * 10**17, 500]),
        ("time", ["", ""], None),
        ("time", [np.nan, np.nan], None),
        ("time", ["1970-01-02", "1970-01-01T00:00:01.5"], [86400 * 10**9, 1_500_000_000]),
        ("time", ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00-01:00"], [0, 3600 * 10**9]),
        ("time", ["1970-01-01T00:00:00", "1970-01-01T01:00:00+01:00"], [0, 0]),
        ("time", ["1970-01-01 00:00Z", "1970-01-02"], [0, 86400 * 10**9]),
        (
            "time",
            [0, 1577836800, 1577923200000] + 9 * [7],
            [0, 1577836800, 1577923200000] + 9 * [7],
        ),
        ("rating", ["True", "false ", "TRUE"], [1, 0, 1]),
        ("rating", [True, False], [1, 0]),
        ("time", ["1.5778368e+09", "1e3"], [1577836800, 1000]),
        ("time", [datetime.date(1970, 1, 2)], [86400 * 10**9]),
        ("time", pa.array([1, 2], pa.timestamp("s", "UTC")), [10**9, 2 * 10**9]),
        ("split", ["train", " Validation", "val", "TEST", "dev"], [0, 1, 1, 2, 1]),
        ("x_label", [0, 1, 2], [0, 1, 2]),
    ],
)
def test_values(tmp_path, column, values, expected):
    rows = values_of(tmp_path, column, values).interactions
    field = {"rating": "ratings", "time": "times"}.get(column, "split")
    found = getattr(rows, field)
    if expected is None:
        assert found is None
    else:
        dtype = {"ratings": np.float32, "times": np.int64, "split": np.int8}[field]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.array(expected, dtype))


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("rating", ["1", "good"], "row 2: rating 'good' is not a finite number; mend it"),
        ("rating", ["true", "2"], "row 1: rating 'true' is not a finite number"),
        ("rating", ["inf"], "row 1: rating 'inf' is not a finite number"),
        ("rating", [1.0, 1e300], "row 2: rating 1e+300 is not a finite number"),
        ("rating", [["1"]], "row 1: rating ['1'] is not"),
        ("time", ["1", "soon"], "row 2: time 'soon' is neither a number nor a date"),
        ("time", ["2024-01-01", "2024-13-01"], "row 2: time '2024-13-01' is neither"),
        ("time", ["2024-01-01", "2024-01-01T99:00:00Z"], "row 2: time '2024-01-01T99:00:00Z' is"),
        ("time", ["5", "6", "2024-01-01", "x"], "row 3: time '2024-01-01' is a date, but '5' in "),
        ("time", ["2024-01-01T00:00Z", "7.5"], "row 2: time '7.5' is a number, but '2024-01-01T00"),
        ("time", ["2024-01-01", "soon", "5"], "row 2: time 'soon' is neither"),
        ("time", ["1577836800", "1.59E+09"], "row 2: time '1.59E+09' has lost digits, as a"),
        ("time", ["1.57784E+12"], "row 1: time '1.57784E+12' has lost digits"),
        ("time", ["1577836800", "1577923200000"], "row 2: time 1577923200000 looks like milli"),
        ("time", [1577923200000000, 1577836800, 1577836900000000], "row 2: time 1577836800 looks"),
        ("time", [1577836800.5] + [1577836800e9] * 150 + [0], "row 1: time 1577836800 looks like"),
        ("time", ["5", "", "7"], "row 2: no time, as in 1 of 3 rows; fill it in"),
        ("time", ["1.5", "inf"], "row 2: time 'inf' is neither"),
        ("time", [1.5, None], "row 2: no time, as in 1 of 2 rows"),
        ("time", [1.5, np.nan], "row 2: no time, as in 1 of 2 rows"),
        ("time", [datetime.time(1)], "row 1: times of type time64[us] are no moments"),
        ("time", [[1]], "row 1: times of type list<element: int64> are no"),
        ("time", [datetime.date(9999, 1, 1)], "row 1: time '9999-01-01' is a date outside"),
        ("split", ["train", "holdout"], "row 2: split 'holdout', expected train, valid or test"),
        ("split", ["train", ""], "row 2: split (missing), expected"),
        ("split", [0, 3], "row 2: split 3, expected"),
        ("split", [["train"]], "row 1: split"),
    ],
)
def test_unfit_value_is_refused_by_row(tmp_path, column, values, expected):
    with pytest.raises(DataError) as caught:
        values_of(tmp_path, column, values)
    assert f"interactions.parquet, {expected}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dates_among_numbers_name_a_row_of_either(tmp_path):
    with pytest.raises(DataError) as caught:
        values_of(tmp_path, "time", ["5", "2024-01-01"])
    file = tmp_path / "interactions.parquet"
    assert str(caught.value) == (
        f"{file}, row 2: time '2024-01-01' is a date, but '5' in {file}, row 1 a number; use one "
        "form, or ignore times with --time_column=none"
    )


@pytest.mark.parametrize(("times", "scale"), [(["1.5", "3"], 10**6), (["3.0", "1"], 1)])
def test_what_fractions_of_times_were_multiplied_by(tmp_path, times, scale):
    rows = values_of(tmp_path, "time", times).interactions
    assert rows.time_scale == rows.take(np.array([0])).time_scale == scale


def test_times_without_a_zone_beside_others_are_counted(tmp_path):
    mixed = ["2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00"]
    note = "1 of 3 times have no zone and count as UTC, the others have one"
    assert note in values_of(tmp_path, "time", mixed).notes
    for alike in (mixed[:1], mixed[1:], [datetime.date(2024, 1, 1)]):
        assert not any("zone" in note for note in values_of(tmp_path, "time", alike).notes)
