"""The MMRec layout: read, or refused with one line that names the file and the line."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.mmrec import read_mmrec
from kdiffe_jax.errors import DataError

INTER = (
    "userID\titemID\trating\ttimestamp\tx_label\n"
    "0\t2\t5.0\t1400000000\t0\n"
    "0\t0\t3.5\t1400000009\t1\n"
    "1\t2\t\t1400000005\t0\n"
    "1\t1\t1\t1400000001\t2\n"
)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "shop.inter").write_text(INTER)
    np.save(tmp_path / "image_feat.npy", np.arange(8, dtype=np.float16).reshape(4, 2))
    np.save(tmp_path / "text_feat.npy", np.eye(4))
    return tmp_path


def refusal(path, name="shop") -> str:
    with pytest.raises(DataError) as caught:
        read_mmrec(path, name=name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_every_part(source):
    catalogue = read_mmrec(source, name="shop")
    rows = catalogue.interactions
    assert catalogue.name == "shop"
    assert catalogue.user_ids == ("0", "1") and catalogue.item_ids == ("0", "1", "2", "3")
    assert rows.users.tolist() == [0, 0, 1, 1] and rows.items.tolist() == [2, 0, 2, 1]
    np.testing.assert_array_equal(rows.ratings, np.array([5, 3.5, np.nan, 1], np.float32))
    assert rows.times.tolist() == [1400000000, 1400000009, 1400000005, 1400000001]
    assert rows.split.tolist() == [0, 1, 0, 2]
    kinds = [rows.users.dtype, rows.items.dtype, rows.ratings.dtype, rows.times.dtype]
    assert kinds == [np.int32, np.int32, np.float32, np.int64] and rows.split.dtype == np.int8
    assert catalogue.features["image"].tolist() == np.arange(8).reshape(4, 2).tolist()
    assert set(catalogue.features) == {"image", "text"}
    assert catalogue.files == ("shop.inter", "image_feat.npy", "text_feat.npy")
    assert catalogue.relations == () and catalogue.notes == (
        "shop.inter: columns user = userID, item = itemID, rating = rating, time = timestamp, "
        "split = x_label",
        "1 of 4 interactions have no rating",
    )


def test_only_users_items_and_labels(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\tx_label\n0\t5\t0\n1\t0\t2\n")
    catalogue = read_mmrec(tmp_path, name="shop")
    assert catalogue.n_items == 6 and catalogue.n_users == 2
    assert catalogue.interactions.ratings is None and catalogue.interactions.times is None
    assert catalogue.interactions.split.tolist() == [0, 2]


def test_repeated_interactions_stay(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\tx_label\n0\t1\t0\n0\t1\t0\n")
    assert read_mmrec(tmp_path, name="shop").interactions.items.tolist() == [1, 1]


def test_without_labels_there_is_no_split_and_it_is_said(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\n0\t1\n")
    catalogue = read_mmrec(tmp_path, name="shop")
    assert catalogue.interactions.split is None
    assert catalogue.notes[1:] == ("shop.inter has no x_label column: it gives no split",)


@pytest.mark.parametrize("header", ("user_id\titem_id", "UserID\tItemID", "uid\tiid", "user\titem"))
def test_spelling_of_the_header(tmp_path, header):
    (tmp_path / "shop.inter").write_text(f"other\t{header}\nx\t3\t1\n")
    catalogue = read_mmrec(tmp_path, name="shop")
    assert catalogue.user_ids == ("3",) and catalogue.interactions.items.tolist() == [1]


def test_users_that_never_occur_are_none(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\n7\t1\n2\t0\n7\t0\n")
    catalogue = read_mmrec(tmp_path, name="shop")
    assert catalogue.user_ids == ("2", "7")
    assert catalogue.interactions.users.tolist() == [1, 0, 1]


def test_crlf_byte_order_mark_and_blank_lines(source):
    text = INTER.replace("\n", "\r\n").replace("1\t2\t\t", "\r\n1\t2\t\t") + "\r\n"
    (source / "shop.inter").write_bytes(b"\xef\xbb\xbf" + text.encode())
    catalogue = read_mmrec(source, name="shop")
    assert catalogue.interactions.split.tolist() == [0, 1, 0, 2]


def test_the_only_inter_file_may_have_another_name(source):
    assert read_mmrec(source, name="other").files[0] == "shop.inter"
    (source / "more.inter").write_text(INTER)
    message = refusal(source, "other")
    assert "other.inter: no such file; the directory holds more.inter, shop.inter" in message
    assert message.endswith("; choose one, as by --name=more")


def test_no_ratings_at_all(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\trating\n0\t1\t\n")
    assert read_mmrec(tmp_path, name="shop").interactions.ratings is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("3.0", "1e1", "-2"), [3, 10, -2]),
        (("3.25", "3.5", "1"), [3_250_000, 3_500_000, 1_000_000]),
        (("1700000000000000001", "1700000000000000000"), [17 * 10**17 + 1, 17 * 10**17]),
    ],
)
def test_times(tmp_path, texts, expected):
    lines = "".join(f"0\t{item}\t{text}\n" for item, text in enumerate(texts))
    (tmp_path / "shop.inter").write_text("userID\titemID\ttimestamp\n" + lines)
    catalogue = read_mmrec(tmp_path, name="shop")
    assert catalogue.interactions.times.tolist() == expected
    assert catalogue.interactions.times.dtype == np.int64


def test_names_from_the_mappings(source):
    (source / "i_id_mapping.csv").write_text("asin\titemID\nB01\t3\nЖ 2\t0\nB03\t1\nB00\t2\n")
    (source / "u_id_mapping.csv").write_text("user_id,userID\nann,1\nbob,0\ncarl,9\n")
    catalogue = read_mmrec(source, name="shop")
    assert catalogue.item_ids == ("Ж 2", "B03", "B00", "B01")
    assert catalogue.user_ids == ("bob", "ann")
    assert catalogue.files[1:3] == ("i_id_mapping.csv", "u_id_mapping.csv")


def test_items_that_only_the_mapping_names(tmp_path):
    (tmp_path / "shop.inter").write_text("userID\titemID\n0\t0\n")
    (tmp_path / "i_id_mapping.csv").write_text("asin\titemID\na\t0\nb\t1\n")
    assert read_mmrec(tmp_path, name="shop").item_ids == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asin\titemID\na\t0\nb\t1\nc\t2\n", "i_id_mapping.csv: no line names number 3"),
        ("asin\titemID\na\t0\nb\t0\n", "row 3: itemID '0' stands there twice"),
        ("asin\titemID\na\t0\na\t1\n", "row 3: asin 'a' stands there twice"),
        ("asin\titemID\n\t0\n", "row 2: asin '' is empty"),
        ("asin\titemID\na\tx\n", "row 2: itemID 'x', expected a whole number"),
        ("asin\n", "i_id_mapping.csv, row 1: expected two columns"),
        ("a\tb\tc\n", "i_id_mapping.csv, row 1: expected two columns"),
        ("a\ta\n", "i_id_mapping.csv, row 1: expected two columns"),
        ("\ta\n", "i_id_mapping.csv, row 1: expected two columns"),
        ("asin\titemID\na\n", "i_id_mapping.csv, row 2: 1 columns, expected 2"),
        ("", "i_id_mapping.csv: the file is empty"),
    ],
)
def test_mappings_that_cannot_be_used(source, text, message):
    (source / "i_id_mapping.csv").write_text(text)
    assert message in refusal(source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "shop.inter: the file is empty"),
        ("\n \n", "shop.inter: no column of user ids"),
        ("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("0\t1\t0\n1\t2\t0\n", "no column of user ids; name one of 0, 1, 0"),
        ("userID\titemID\titemID\n", "2 columns are called 'itemID'"),
        ("userID\tuser_id\titemID\n", "shop.inter: userID and user_id both name the user"),
        ("5\t3\t0\n", "no column of user ids"),
        ("userID\tthing\n0\t0\n", "no column of item ids"),
        ("user_id:token\titem_id:token\n", "read it with --source=recbole"),
        ("userID\titemID\n", "shop.inter: it has no row"),
        ("userID\titemID\n0\t1\n0\n", "shop.inter, row 3: 1 columns, expected 2"),
        ("userID\titemID\n\n0\t1\t2\n", "shop.inter, row 2: 3 columns, expected 2"),
        ("userID\titemID\n0\tx\n", "row 2: item 'x', expected a whole number"),
        ("userID\titemID\n0\t1\n-1\t0\n", "row 3: user '-1', expected"),
        ("userID\titemID\n0\t1.0\n", "row 2: item '1.0', expected"),
        ("userID\titemID\n0\t\n", "row 2: the item id is empty"),
        ("userID\titemID\n0\t²\n", "row 2: item '²', expected"),
        ("userID\titemID\n0\t2147483648\n", "item '2147483648', expected a whole number in 0"),
        ("userID\titemID\n0\t99999999999999999999\n", "item '99999999999999999999', expected"),
        ("userID\titemID\n0\t2147483647\n", "item id 2147483647, but only 1 different items"),
        ("userID\titemID\tx_label\n0\t1\t3\n", "row 2: split '3', expected train, valid"),
        ("userID\titemID\tx_label\n0\t1\t0.0\n", "row 2: split '0.0', expected"),
        ("userID\titemID\tx_label\n0\t1\t\n", "row 2: split (missing), expected"),
        ("userID\titemID\trating\n0\t1\tinf\n", "row 2: rating 'inf' is not a finite"),
        ("userID\titemID\trating\n0\t1\t\n0\t2\tgood\n", "row 3: rating 'good' is not"),
        ("userID\titemID\trating\n0\t1\t1e99\n", "row 2: rating '1e99' is not"),
        ("userID\titemID\ttimestamp\n0\t1\t5\n0\t2\tNaN\n", "row 3: no time, as in 1 of 2 rows"),
        ("userID\titemID\ttimestamp\n0\t1\t5\n0\t1\t\n", "row 3: no time"),
        ("userID\titemID\ttimestamp\n0\t1\t1e30\n", "row 2: time '1e30' is neither"),
        (
            "userID\titemID\ttimestamp\n0\t1\t9999999999999999999\n",
            "row 2: time '9999999999999999999'",
        ),
    ],
)
def test_malformed_interactions(tmp_path, text, message):
    (tmp_path / "shop.inter").write_text(text, encoding="utf-8")
    assert message in refusal(tmp_path)


def test_text_that_is_not_utf8(source):
    (source / "shop.inter").write_bytes(INTER.encode() + b"\n0\t\xff\t1\t1\t0\n")
    assert "shop.inter, row 6: not UTF-8 text" in refusal(source)


def test_missing_file_and_directory(tmp_path):
    assert "shop.inter: no such file; the directory holds no .inter file" in refusal(tmp_path)
    assert "absent: there is no such directory" in refusal(tmp_path / "absent")


def test_fewer_feature_rows_than_items(source):
    np.save(source / "image_feat.npy", np.zeros((2, 2)))
    np.save(source / "text_feat.npy", np.zeros((2, 2)))
    assert "image_feat.npy: 2 rows for 3 items" in refusal(source)


def test_features_of_different_lengths(source):
    np.save(source / "text_feat.npy", np.zeros((5, 2)))
    assert "image_feat.npy: 4 rows for 5 items" in refusal(source)


def test_feature_that_is_nan(source):
    np.save(source / "text_feat.npy", np.full((4, 2), np.nan))
    assert "text_feat.npy, row 0 (counted from 0): a NaN" in refusal(source)


@pytest.mark.parametrize("content", (b"", b"version https://git-lfs", b"\x93NUMPY\x01\x00v\x00{'"))
def test_unreadable_feature(source, content):
    (source / "text_feat.npy").write_bytes(content)
    assert "text_feat.npy: not a readable .npy array" in refusal(source)
