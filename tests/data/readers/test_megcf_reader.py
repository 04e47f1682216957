"""The MEGCF layout: lists of items and entities, or one line on what is wrong."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.megcf import read_megcf
from kdiffe_jax.data.sources import layout_of
from kdiffe_jax.errors import DataError


@pytest.fixture
def source(tmp_path):
    (tmp_path / "train.txt").write_text("0 0 1 2\n1 3 3\n2\n")
    (tmp_path / "validation.txt").write_text("0 1\n1 0\n")
    (tmp_path / "test.txt").write_text("0 3\n3 1\n")
    (tmp_path / "i2e_title.txt").write_text("0 7 1\n4 1\n")
    (tmp_path / "i2e_visual.txt").write_text("1 500000 7\n2\n1 9\n")
    return tmp_path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_megcf(path, name="beauty")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rows_of(catalogue, number):
    rows = catalogue.interactions
    mine = rows.split == number
    return list(zip(rows.users[mine].tolist(), rows.items[mine].tolist(), strict=True))


def test_splits_without_the_validation_pairs_in_train(source):
    catalogue = read_megcf(source, name="beauty")
    assert rows_of(catalogue, 0) == [(0, 0), (0, 2), (1, 3), (1, 3)]
    assert rows_of(catalogue, 1) == [(0, 1), (1, 0)]
    assert rows_of(catalogue, 2) == [(0, 3), (3, 1)]
    assert catalogue.notes == (
        "1 pairs of train.txt are in validation.txt too, and count as validation",
    )
    assert catalogue.user_ids == ("0", "1", "2", "3")
    assert catalogue.item_ids == ("0", "1", "2", "3", "4")
    rows = catalogue.interactions
    assert (rows.users.dtype, rows.items.dtype, rows.split.dtype) == (np.int32, np.int32, np.int8)
    assert rows.ratings is None and rows.times is None


def test_relations_share_their_entities(source):
    title, visual = read_megcf(source, name="beauty").relations
    assert (title.name, visual.name) == ("title", "visual")
    assert title.space == visual.space == "entities"
    assert title.entity_names == visual.entity_names == ("1", "7", "9", "500000")
    assert title.items.tolist() == [0, 0, 4] and title.entities.tolist() == [1, 0, 0]
    assert visual.items.tolist() == [1, 1, 1] and visual.entities.tolist() == [3, 1, 2]
    assert {r.dtype for r in (title.items, title.entities, visual.items)} == {np.dtype(np.int32)}


def test_files(source):
    files = ("train.txt", "validation.txt", "test.txt", "i2e_title.txt", "i2e_visual.txt")
    assert read_megcf(source, name="beauty").files == files


def test_blank_lines_crlf_tabs_and_byte_order_mark(source):
    text = b"\xef\xbb\xbf0 0\t 1  2 \r\n\r\n  \r\n1 3 3\r\n2"
    (source / "train.txt").write_bytes(text)
    assert rows_of(read_megcf(source, name="beauty"), 0) == [(0, 0), (0, 2), (1, 3), (1, 3)]


def test_clean_splits_and_no_relations_are_said(source):
    (source / "i2e_title.txt").unlink()
    (source / "i2e_visual.txt").unlink()
    (source / "validation.txt").write_text("0 4\n")
    catalogue = read_megcf(source, name="beauty")
    assert catalogue.relations == ()
    assert catalogue.notes == ("no i2e_*.txt: the source gives no relations",)
    assert catalogue.n_items == 5


def test_is_recognised_without_relations(source):
    (source / "i2e_title.txt").unlink()
    (source / "i2e_visual.txt").unlink()
    assert layout_of(source) == "megcf"


@pytest.mark.parametrize("split", ("train", "validation"))
def test_test_pairs_elsewhere_are_refused(source, split):
    (source / f"{split}.txt").write_text("0 0\n3 1 2 2\n")
    (source / "test.txt").write_text("0 3\n3 2 1 1\n")
    message = refusal(source)
    assert "test.txt, line 2: user 3, item 2 is in" in message
    assert f"in {split}.txt too, and so are 1 more pairs" in message


@pytest.mark.parametrize("file", ("train.txt", "validation.txt", "test.txt"))
def test_missing_file(source, file):
    (source / file).unlink()
    assert f"{file}: no such file" in refusal(source)


def test_missing_directory(tmp_path):
    assert "there is no such directory" in refusal(tmp_path / "absent")


@pytest.mark.parametrize("file", ("train.txt", "i2e_visual.txt"))
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": the file is empty"),
        (b"\n\n", ": the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", ": a Git LFS pointer"),
        (b"0 1\n\n1 x\n", ", line 3: '1 x': expected whole numbers"),
        (b"0 1\n1 -2\n", ", line 2: '1 -2': expected whole numbers"),
        (b"0,1\n", ", line 1: '0,1': expected whole numbers"),
        (b"0 1.0\n", ", line 1: '0 1.0': expected whole numbers"),
        (b"0 99999999999999999999\n", ", line 1: '0 99999999999999999999': expected whole"),
        (b"0 2147483648\n", ", line 1: id 2147483648; ids are 0..2147483647"),
        (b"0 1\n\xff\n", ", line 2: not UTF-8 text"),
    ],
)
def test_malformed_lists(source, file, content, message):
    (source / file).write_bytes(content)
    assert f"{file}{message}" in refusal(source)


def test_ids_that_are_no_numbering(source):
    (source / "train.txt").write_text("0 2000000000\n")
    assert "item id 2000000000, but only 6 different items" in refusal(source)
    (source / "train.txt").write_text("2000000000 0\n")
    assert "user id 2000000000, but only" in refusal(source)


@pytest.mark.real_data
def test_released_beauty(real_data):
    catalogue = read_megcf(real_data / "megcf-beauty", name="beauty")
    assert (catalogue.n_users, catalogue.n_items) == (15576, 8678)
    assert np.bincount(catalogue.interactions.split).tolist() == [123742 - 15576, 15576, 15576]
    assert catalogue.notes[0].startswith("15576 pairs of train.txt")
    assert [relation.name for relation in catalogue.relations] == ["title", "visual"]


def test_a_relation_of_no_item_that_somebody_chose_is_refused(source):
    (source / "i2e_visual.txt").write_text("5 7\n6 8\n")
    message = refusal(source)
    assert "i2e_visual.txt: none of its 2 items is in an interaction, the first is 5" in message
