"""Directories of tables -> `Catalogue`: names to numbers, every column to its type."""

import gzip

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.item_table import read_item_table
from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.data.tables import text_table
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.in_memory import table_in_memory
from kdiffe_jax.data.tables.values import LIST_MARK
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

INTERACTIONS = """user_id,item_id,rating,timestamp,junk
ann,B01,5,1500000003,x
bob,B02,,1500000002,x
ann,B02,3.5,1500000001,x
"""


def written(directory, name="interactions.csv", text=INTERACTIONS):
    (directory / name).write_bytes(text.encode())
    return directory


def read(path, **columns) -> Catalogue:
    return read_tables(path, name="shop", columns=TableColumns(**columns))


def refusal(path, **columns) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_interactions(tmp_path):
    shop = read_tables(written(tmp_path), name="shop")
    rows = shop.interactions
    assert shop.name == "shop" and shop.files == ("interactions.csv",)
    assert shop.user_ids == ("ann", "bob") and shop.item_ids == ("B01", "B02")
    assert rows.users.tolist() == [0, 1, 0] and rows.items.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(rows.ratings, np.array([5, np.nan, 3.5], np.float32))
    assert rows.times.tolist() == [1500000003, 1500000002, 1500000001]
    assert rows.split is None
    dtypes = [array.dtype for array in (rows.users, rows.items, rows.ratings, rows.times)]
    assert dtypes == [np.int32, np.int32, np.float32, np.int64]
    assert shop.notes == (
        "interactions.csv: columns user = user_id, item = item_id, rating = rating, "
        "time = timestamp; ignored junk",
        "1 of 3 interactions have no rating",
    )


def test_a_table_alone_and_gzipped(tmp_path):
    file = tmp_path / "likes.csv.gz"
    file.write_bytes(gzip.compress(INTERACTIONS.encode()))
    assert read(file).user_ids == ("ann", "bob")


def test_parts_in_the_order_of_their_numbers(tmp_path):
    for number, user in ((10, "c"), (2, "b"), (1, "a")):
        table = pa.table({"user": [user], "item": [7], "stars": [1]})
        pq.write_table(table, tmp_path / f"interactions-{number}.parquet")
    parts = [(0, 0, 0)]
    shop = read_tables(tmp_path, name="shop", progress=lambda *done: parts.append(done))
    assert shop.user_ids == ("a", "b", "c") and shop.item_ids == ("7",)
    assert len(shop.files) == 3
    rows, done, total = zip(*parts, strict=True)
    assert rows == (0, 1, 2, 3)
    assert list(done) == sorted(done) and done[-1] == total[-1] == total[1]


def test_parts_with_other_columns_are_refused(tmp_path):
    written(tmp_path, "interactions-1.csv")
    written(tmp_path, "interactions-2.csv", "user_id,item_id\nann,B01\n")
    assert "interactions-2.csv: has columns of user, item, but" in refusal(tmp_path)


def test_parts_beside_a_whole_are_refused(tmp_path):
    written(tmp_path)
    written(tmp_path, "interactions-2.csv")
    assert "keep either" in refusal(tmp_path)


def test_ids_survive_every_kind_of_file(tmp_path):
    users = ["9007199254740993", "Müller", "赤"]
    text = "user,item\n" + "".join(f"{u},9007199254740993\n" for u in users)
    shop = read(written(tmp_path, text=text) / "interactions.csv")
    assert shop.user_ids == tuple(users) and shop.item_ids == ("9007199254740993",)
    table = pa.table({"user": users, "item": [9007199254740993] * 3})
    pq.write_table(table, tmp_path / "numbers.parquet")
    assert read(tmp_path / "numbers.parquet").item_ids == shop.item_ids


def test_small_parts_are_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(text_table, "_BLOCK_BYTES", 100)
    rng = np.random.default_rng(0)
    users, items = rng.integers(30, size=500), rng.integers(20, size=500)
    lines = [f"u{u},i{i},{n % 5},{n}\n" for n, (u, i) in enumerate(zip(users, items, strict=True))]
    shop = read(written(tmp_path, text="user,item,rating,time\n" + "".join(lines)))
    rows = shop.interactions
    assert [shop.user_ids[u] for u in rows.users] == [f"u{u}" for u in users]
    assert [shop.item_ids[i] for i in rows.items] == [f"i{i}" for i in items]
    np.testing.assert_array_equal(rows.ratings, np.arange(500) % 5)
    np.testing.assert_array_equal(rows.times, np.arange(500))


def test_ids_that_collide_are_noted(tmp_path):
    shop = read(written(tmp_path, text="user,item\na,x\nA,x\nb, x\n"))
    assert any(note.startswith("2 users have ids that collide") for note in shop.notes)
    assert any(note.startswith("2 items have ids that collide") for note in shop.notes)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("uid,asin,parent_asin,overall,unixReviewTime", "user = uid, item = parent_asin"),
        ("reviewerID,asin,x,stars,date", "user = reviewerID, item = asin, rating = stars"),
        ("User ID,Item-ID,x,Rating,Time", "user = User ID, item = Item-ID, rating = Rating"),
    ],
)
def test_columns_by_common_names(tmp_path, header, expected):
    shop = read(written(tmp_path, text=f"{header}\na,b,c,1,2\n"))
    assert expected in shop.notes[0]
    assert shop.interactions.ratings.tolist() == [1] and shop.interactions.times.tolist() == [2]


def test_columns_by_given_names(tmp_path):
    text = "user_id,who,what,how,rating\n0,ann,pen,4,bad\n"
    shop = read(
        written(tmp_path, text=text), user_column="who", item_column="what", rating_column="how"
    )
    assert shop.user_ids == ("ann",) and shop.interactions.ratings.tolist() == [4]


def test_none_leaves_a_column_alone(tmp_path):
    text = "user,item,rating,time,split\na,b,bad,bad,bad\n"
    columns = dict(rating_column="none", time_column="none", split_column="none")
    rows = read(written(tmp_path, text=text), **columns).interactions
    assert rows.ratings is None and rows.times is None and rows.split is None


def test_table_without_header_by_numbers(tmp_path):
    file = written(tmp_path, "u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
    columns = dict(user_column="0", item_column="1", rating_column="2", time_column="3")
    shop = read(file / "u.data", **columns)
    assert shop.user_ids == ("196", "186") and shop.interactions.times[0] == 881250949
    written(tmp_path, "interactions.tsv", "196\t242\t3\t881250949\n")
    written(tmp_path, "items.csv", "item,title\n242,Kolya\n")
    assert read(tmp_path, **columns).item_names == ("Kolya",)
    assert "no column '7'; it has 0, 1, 2, 3" in refusal(tmp_path, **columns | {"time_column": "7"})


def test_units_and_zones_in_two_parts(tmp_path):
    written(tmp_path, "interactions-1.csv", "user,item,time\na,b,1577836800\n")
    written(tmp_path, "interactions-2.csv", "user,item,time\na,b,1577836800000\n")
    assert "interactions-2.csv, row 2: time 1577836800000 looks like milli" in refusal(tmp_path)
    written(tmp_path, "interactions-1.csv", "user,item,time\na,b,2024-01-01T00:00:00Z\n")
    written(tmp_path, "interactions-2.csv", "user,item,time\na,b,2024-01-01\n")
    assert "1 of 2 times have no zone and count as UTC, the others have one" in read(tmp_path).notes


@pytest.mark.parametrize("name", ["interactions.csv", "items.csv", "triples.csv"])
def test_a_header_in_the_middle(tmp_path, name):
    tables = {
        "interactions.csv": "user_id,item_id,rating\nann,B01,5\n",
        "items.csv": "item_id,title\nB01,cup\n",
        "triples.csv": "item,relation,entity\nB01,by,Acme\n",
    }
    for table, text in tables.items():
        written(tmp_path, table, text)
    assert read(tmp_path).user_ids == ("ann",)
    header, row = tables[name].split("\n")[:2]
    written(tmp_path, name, "\n".join([header, row, row.replace("B01", "B02"), header, ""]))
    assert f"{name}, row 4: repeats the header; remove the row" in refusal(tmp_path)


def test_a_row_that_only_begins_as_the_header_is_a_row(tmp_path):
    shop = read(written(tmp_path, text="user,item\nuser,pen\nann,item\n"))
    assert shop.user_ids == ("user", "ann") and shop.item_ids == ("pen", "item")


@pytest.mark.parametrize("header", ["user_id,item_id", "who,what", "Kunde,ean"])
def test_columns_by_number_above_a_header(tmp_path, header):
    written(tmp_path, text=f"{header}\n1,7\n2,8\n")
    user, item = header.split(",")
    message = refusal(tmp_path, user_column="0", item_column="1")
    assert f"interactions.csv, row 1: {user!r} and {item!r} look like a header" in message
    assert f"--user_column={user} --item_column={item}" in message


def test_columns_by_number_of_ids_that_are_words(tmp_path):
    written(tmp_path, text="ann,cup\n7,8\nbo,pen\n")
    assert read(tmp_path, user_column="0", item_column="1").user_ids == ("ann", "7", "bo")


def test_dates_and_numbers_in_two_parts(tmp_path):
    written(tmp_path, "interactions-1.csv", "user,item,time\na,b,5\n")
    written(tmp_path, "interactions-2.csv", "user,item,time\na,b,2024-01-01\n")
    message = refusal(tmp_path)
    assert "interactions-2.csv, row 2: the time is a date here and a number in " in message
    assert "interactions-1.csv, row 2; use one form, or ignore times" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user,item\na,b\n,c\n", "row 3: the user id is empty"),
        ("user,item\na,b\nc,\n", "row 3: the item id is empty"),
        ('user,item\na,"b\nc,d\n', "row 2: a quote is opened and never closed"),
        ('user,item,x\na,"b\nc","d"\n', "row 2: item id 'b\\nc' holds a line break"),
        ("user,item\na,b,c\n", "row 2: 3 columns, expected 2"),
        ("user,item\n", "it has no row"),
        ("who,item\na,b\n", "no column of user ids; name one of who, item by --user_column"),
        ("user,what\na,b\n", "no column of item ids; name one of user, what by --item_column"),
        ("", "the file is empty"),
    ],
)
def test_malformed_interactions(tmp_path, text, expected):
    message = refusal(written(tmp_path, text=text))
    assert "interactions.csv" in message and expected in message


def test_named_columns_must_be_there_and_differ(tmp_path):
    written(tmp_path)
    assert "no column 'stars'; it has user_id, item_id" in refusal(tmp_path, rating_column="stars")
    message = refusal(tmp_path, user_column="item_id")
    assert "column 'item_id' cannot be both user and item" in message


def test_directory_without_interactions(tmp_path):
    assert "no table of interactions; expected interactions.csv" in refusal(tmp_path)
    (tmp_path / "interactions.csv.zip").write_bytes(b"PK\x03\x04")
    assert "interactions.csv.zip: unzip it first" in refusal(tmp_path)
    assert "nowhere: no such file" in refusal(tmp_path / "nowhere")


ITEMS = """asin,title,brand,genres,categories,imageURL,note
B02, A  red\u00a0pen ,Acme,office|school,Office > Pens,http://b,
B03,,,,,,x
"""


def test_items_and_triples_beside_interactions(tmp_path):
    written(written(tmp_path), "items.csv", ITEMS)
    triples = "relation,item,entity\nmade in,B02,France\nmade in,B09,Italy\nby,B03,Ann\n"
    written(tmp_path, "triples.csv", triples)
    shop = read(tmp_path)
    assert shop.item_ids == ("B01", "B02", "B03") and len(shop.interactions) == 3
    assert shop.columns["title"] == ("", "A red pen", "")
    assert shop.columns["note"] == ("", "", "x") and shop.item_names == ("", "A red pen", "")
    assert shop.item_pictures == ("", "http://b", "")
    assert "items.csv: 1 items without interactions" in shop.notes
    assert any("triples.csv: 1 of 3 item ids are unknown" in note for note in shop.notes)
    assert [(r.name, r.items.tolist(), r.entity_names) for r in shop.relations] == [
        ("made in", [1], ("France",)),
        ("by", [2], ("Ann",)),
    ]
    assert shop.files == ("interactions.csv", "items.csv", "triples.csv")


def test_items_of_other_ids_are_refused(tmp_path):
    written(written(tmp_path), "items.csv", "item,title\n1,a\n2,b\n")
    message = refusal(tmp_path)
    assert "items.csv: none of its 2 item ids is known; it has '1', but" in message
    assert "'B01'" in message


def test_new_items_that_collide_are_noted(tmp_path):
    written(written(tmp_path), "items.csv", "item,title\nB01,a\nb01,b\n")
    assert any("2 items have ids that collide" in note for note in read(tmp_path).notes)


@pytest.mark.parametrize(
    "kind", (pa.list_(pa.int8(), 2), pa.list_(pa.int8()), pa.large_list(pa.int8()))
)
def test_a_list_that_is_null_is_empty(tmp_path, kind):
    size = pa.array([[9, 9], [1, 2], None, [3, None]], kind)[1:]
    items = pa.table({"item": ["B01", "B02", "B03"], "size": size, "tags": size})
    pq.write_table(items, written(tmp_path) / "items.parquet")
    shop = read(tmp_path)
    assert shop.columns["size"] == ("1|2", "", "3")
    assert shop.columns["tags"] == (LIST_MARK + '["1", "2"]', "", LIST_MARK + '["3", null]')


def test_what_has_no_text_is_told(tmp_path):
    month = pa.scalar((1, 2, 3), pa.month_day_nano_interval())
    items = pa.table({"item": ["B01", "B02"], "deep": [[[["x"]]], None], "every": [month, month]})
    table = table_in_memory("items", items)
    found = read_item_table(table.path, TableColumns(), opened=lambda path: table)
    assert found.columns == {}
    assert found.notes == ("items: ignored deep, every, neither text nor numbers",)


def test_of_lists_of_names_and_pictures_the_first_is_shown(tmp_path):
    pictures = [["http://a/1.jpg", "http://a/2.jpg"], [], None]
    called = [[["Red\ncup", "Cup"]], [[], ["Pen"]], [[None]]]
    items = pa.table({"item": ["B01", "B02", "B03"], "image": pictures, "called": called})
    pq.write_table(items, written(tmp_path) / "items.parquet")
    shop = read(tmp_path, item_name_column="called", path_columns="called")
    assert shop.item_pictures == ("http://a/1.jpg", "", "")
    assert shop.item_names == ("Red cup", "Pen", "")
