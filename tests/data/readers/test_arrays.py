"""Dense features: a damaged file is refused in one line, whatever the damage."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.arrays import feature_file_name, load_feature, load_features
from kdiffe_jax.errors import DataError


@pytest.mark.parametrize("seed", range(60))
def test_damaged_headers_are_refused_or_read(tmp_path, seed):
    rng = np.random.default_rng(seed)
    file = tmp_path / "image_feat.npy"
    np.save(file, np.ones((4, 3), np.float32))
    content = bytearray(file.read_bytes())
    for place in rng.integers(6, 80, size=3):
        content[place] = rng.integers(32, 127)
    file.write_bytes(content)
    try:
        rows = load_feature(file, 4)
        assert rows.shape[0] == 4
    except DataError as error:
        assert str(file) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.ones((3, 2)), "3 rows for 4 items"),
        (np.ones(4), "one row an item"),
        (np.array([["a"]] * 4), "one row an item"),
        (
            np.array([[1.0], [np.nan], [1.0], [np.inf]]),
            "row 1 (counted from 0): a NaN or infinite value",
        ),
        (
            np.array([[1.0], [2.0], [-1e200], [1e300]]),
            "row 2 (counted from 0): a value that is not",
        ),
        (np.array([[None]] * 4, object), "not a readable .npy array"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, rows, expected):
    np.save(tmp_path / "a_feat.npy", rows, allow_pickle=True)
    with pytest.raises(DataError) as caught:
        load_features(tmp_path, 4)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_the_largest_numbers_of_single_precision_are_read(tmp_path):
    rows = np.array([[np.finfo("f4").max], [np.finfo("f4").min]], np.float64)
    np.save(tmp_path / "a_feat.npy", rows)
    np.testing.assert_array_equal(load_features(tmp_path, 2)["a"], rows)


@pytest.mark.parametrize("dtype", ("?", "i1", "f2", "f8"))
def test_every_numeric_type_is_read(tmp_path, dtype):
    np.save(tmp_path / "a_feat.npy", np.ones((4, 2), dtype))
    rows = load_features(tmp_path, 4)["a"]
    assert rows.dtype.kind == "f" and (rows == 1).all()


def test_a_zip_that_was_not_unzipped(tmp_path):
    (tmp_path / "a_feat.npy.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="unzip it"):
        load_features(tmp_path, 4)


@pytest.mark.parametrize(
    ("modality", "wrong"),
    [
        ("../evil", "begins with a dot"),
        ("a/b", "holds a slash"),
        ("a\\b", "holds a backslash"),
        ("a\0b", "holds a control character"),
        ("a\udcff", "holds bytes that are not UTF-8"),
        ("", "is empty"),
        ("ж" * 124, "has 248 bytes, and 246 is the most"),
    ],
)
def test_names_that_no_file_can_have(modality, wrong):
    with pytest.raises(DataError) as caught:
        feature_file_name(modality)
    assert str(caught.value).startswith("features ") and f": the name {wrong};" in str(caught.value)


def test_the_longest_name_is_a_files(tmp_path):
    (tmp_path / feature_file_name("ж" * 123)).touch()
