"""Interactions in a file for each part of their split."""

import numpy as np
import pytest

from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.sources import layout_of, read_source
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.split_files import split_files
from kdiffe_jax.errors import ConfigError, DataError

HEAD = "user_id,item_id\n"
ROWS = {"train": "a,x\na,y\na,z\nb,x\nb,z\n", "valid": "a,w\n", "test": "b,y\nb,w\n"}


def written(directory, names):
    directory.mkdir(exist_ok=True)
    for part, name in names.items():
        (directory / name).write_text(HEAD + ROWS[part])
    return directory


@pytest.mark.parametrize(
    "names",
    [
        {"train": "train.csv", "valid": "valid.csv", "test": "test.csv"},
        {"train": "Train.csv", "valid": "validation.CSV", "test": "TEST.csv"},
        {
            "train": "All_Beauty.train.csv",
            "valid": "All_Beauty.val.csv",
            "test": "All_Beauty.test.csv",
        },
        {"train": "shop_train.csv", "valid": "shop_dev.csv", "test": "shop_test.csv"},
    ],
)
def test_the_files_are_the_split(tmp_path, names):
    directory = written(tmp_path / "shop", names)
    assert layout_of(directory) == "tables"
    _, catalogue = read_source(directory, name="shop")
    assert np.bincount(catalogue.interactions.split).tolist() == [5, 1, 2]
    assert set(catalogue.files) == set(names.values())
    dataset = prepare(catalogue)
    assert [len(dataset.train), len(dataset.valid), len(dataset.test)] == [5, 1, 2]


def test_without_validation_it_is_taken_from_training(tmp_path):
    directory = written(tmp_path / "shop", {"train": "train.csv", "test": "test.csv"})
    (directory / "items.csv").write_text("item_id,brand\nx,acme\ny,acme\nz,other\n")
    _, catalogue = read_source(directory, name="shop")
    assert sorted(set(catalogue.interactions.split.tolist())) == [0, 2]
    dataset = prepare(catalogue)
    assert len(dataset.valid) == 1 and len(dataset.test) == 2
    assert catalogue.columns["brand"]


def test_what_is_no_split(tmp_path):
    assert split_files(written(tmp_path / "alone", {"train": "train.csv"})) == {}
    lists = written(tmp_path / "lists", {"train": "train.txt", "test": "test.txt"})
    assert split_files(lists) == {} and layout_of(lists) == "lightgcn"
    others = written(tmp_path / "others", {"train": "a_train.csv", "test": "b_test.csv"})
    assert split_files(others) == {}
    with pytest.raises(DataError, match="no known layout"):
        layout_of(others)


def test_two_of_a_part_or_of_a_split_are_refused(tmp_path):
    twice = written(tmp_path / "twice", {"train": "train.csv", "test": "test.csv"})
    (twice / "train.tsv").write_text("user_id\titem_id\na\tx\n")
    with pytest.raises(DataError, match=r"has train.csv and train.tsv; keep one"):
        layout_of(twice)
    both = written(tmp_path / "both", {"train": "a_train.csv", "test": "a_test.csv"})
    written(both, {"train": "b_train.csv", "test": "b_test.csv"})
    with pytest.raises(DataError, match=r"has a_train.csv and b_train.csv; keep one split"):
        layout_of(both)


def test_a_column_of_splits_has_no_use_there(tmp_path):
    directory = written(tmp_path / "shop", {"train": "train.csv", "test": "test.csv"})
    with pytest.raises(ConfigError, match=r"train.csv, test.csv are the split"):
        read_source(directory, name="shop", columns=TableColumns(split_column="part"))
