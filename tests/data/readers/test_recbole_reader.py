"""RecBole's atomic files: read, or refused with one line that names file, line or column."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.recbole import read_recbole
from kdiffe_jax.data.relation import ITEMS, join_relations
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import DataError

INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "ann\tB2\t4\t30\n"
    "боб\tB1\t2.5\t20\n"
    "ann\tB1\t\t10\n"
    "ann\tB2\t5\t40\n"
)
ITEM = (
    "item_id:token\ttitle:token_seq\tcategories:token_seq\tprice:float\n"
    'B1\t"Big pen\tHome, Office\t3.5\n'
    "B9\t\tHome\t\n"
)
KG = (
    "head_id:token\trelation_id:token\ttail_id:token\n"
    "m.1\tmaker\tm.acme\n"
    "m.2\tmaker\tm.acme\n"
    "m.acme\tproduces\tm.9\n"
    "m.1\tlike\tm.2\n"
    "m.1\tlike\tm.1\n"
    "m.acme\tlies_in\tm.town\n"
    "m.1\tmaker\tm.acme\n"
)
LINK = "item_id:token\tentity_id:token\nB1\tm.1\nB2\tm.2\nB9\tm.9\nB77\tm.77\n"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "shop.inter").write_text(INTER, encoding="utf-8")
    (tmp_path / "shop.item").write_text(ITEM)
    (tmp_path / "shop.kg").write_text(KG)
    (tmp_path / "shop.link").write_text(LINK)
    return tmp_path


@pytest.fixture
def bare(tmp_path):
    (tmp_path / "shop.inter").write_text("user_id:token\titem_id:token\na\tx\nb\ty\n")
    return tmp_path


def refusal(path, name="shop") -> str:
    with pytest.raises(DataError) as caught:
        read_recbole(path, name=name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_interactions(source):
    catalogue = read_recbole(source, name="shop")
    rows = catalogue.interactions
    assert catalogue.user_ids == ("ann", "боб") and catalogue.item_ids == ("B2", "B1", "B9")
    assert rows.users.tolist() == [0, 1, 0, 0] and rows.items.tolist() == [0, 1, 1, 0]
    np.testing.assert_array_equal(rows.ratings, np.array([4, 2.5, np.nan, 5], np.float32))
    assert rows.times.tolist() == [30, 20, 10, 40] and rows.split is None
    assert rows.users.dtype == rows.items.dtype == np.int32 and rows.times.dtype == np.int64
    assert catalogue.files == ("shop.inter", "shop.item", "shop.kg", "shop.link")


def test_columns_and_titles_of_items(source):
    catalogue = read_recbole(source, name="shop")
    assert catalogue.columns == {
        "title": ("", '"Big pen', ""),
        "categories": ("", "Home, Office", "Home"),
        "price": ("", "3.5", ""),
    }
    assert catalogue.item_names == ("", '"Big pen', "")


@pytest.mark.parametrize(("named", "shown"), [("", ("", "Big pen", "")), ("none", ())])
def test_titles_of_movies_are_shown_unless_none_are_wanted(source, named, shown):
    (source / "shop.item").write_text("item_id:token\tmovie_title:token_seq\nB1\tBig pen\nB9\t\n")
    columns = TableColumns(item_name_column=named)
    assert read_recbole(source, name="shop", columns=columns).item_names == shown


def test_relations(source):
    catalogue = read_recbole(source, name="shop")
    found = {
        (r.name, r.space == ITEMS): (r.items.tolist(), r.entities.tolist())
        for r in catalogue.relations
    }
    acme = catalogue.relations[0].entity_names.index("m.acme")
    assert found == {
        ("maker", False): ([0, 1], [acme, acme]),
        ("produces (inverse)", False): ([2], [acme]),
        ("like", True): ([1], [0]),
    }
    assert catalogue.notes[-3:] == (
        "shop.link: 1 items occur nowhere else and were left out",
        "shop.kg: 1 of 7 triples touch no item and were left out",
        "shop.kg: 1 triples link an item to itself and were left out",
    )
    graph = join_relations(catalogue.relations, catalogue.item_ids)
    assert graph.entity_names == ("m.acme", "B2") and graph.entity_items.tolist() == [-1, 0]
    assert graph.triples.dtype == np.int32 and len(graph.triples) == 4


def test_an_entity_that_is_two_items(bare):
    (bare / "shop.link").write_text("item_id:token\tentity_id:token\nx\te\ny\te\n")
    (bare / "shop.kg").write_text(
        "tail_id:token\thead_id:token\trelation_id:token\nred\te\tcolour\ne\te\tlike\n"
    )
    colour, like = read_recbole(bare, name="shop").relations
    assert colour.items.tolist() == [0, 1] and len(set(colour.entities.tolist())) == 1
    assert (like.items.tolist(), like.entities.tolist()) == ([0, 1], [1, 0])


def test_benchmark_files_give_the_split(source):
    head = "user_id:token\titem_id:token\tlabel:float\n"
    (source / "shop.train.inter").write_text(head + "a\tB1\t1\nb\tB2\t1\n")
    (source / "shop.valid.inter").write_text(head + "a\tB3\t1\n")
    (source / "shop.test.inter").write_text(head + "b\tB4\t1\n")
    catalogue = read_recbole(source, name="shop")
    assert catalogue.interactions.split.tolist() == [0, 0, 1, 2]
    assert catalogue.interactions.split.dtype == np.int8
    assert catalogue.item_ids == ("B1", "B2", "B3", "B4", "B9")
    assert catalogue.files[:3] == ("shop.train.inter", "shop.valid.inter", "shop.test.inter")
    assert catalogue.notes[0].endswith("user = user_id, item = item_id, rating = label")
    assert "shop.inter is not read: the files of its split are" in catalogue.notes
    (source / "shop.test.inter").write_text(
        "user_id:token\titem_id:token\ttimestamp:float\na\tx\t1\n"
    )
    assert "shop.test.inter: has columns of user, item, time, but shop.train.inter" in refusal(
        source
    )
    (source / "shop.test.inter").unlink()
    assert "shop.test.inter: no such file" in refusal(source)


def test_empty_validation_file(bare):
    for split, rows in (("train", "a\tx\n"), ("valid", ""), ("test", "b\tx\n")):
        (bare / f"shop.{split}.inter").write_text("user_id:token\titem_id:token\n" + rows)
    assert read_recbole(bare, name="shop").interactions.split.tolist() == [0, 2]


def test_interactions_alone_under_another_name(bare):
    catalogue = read_recbole(bare, name="other")
    assert catalogue.name == "other" and catalogue.files == ("shop.inter",)
    assert catalogue.columns == {} and catalogue.relations == () and catalogue.item_names == ()
    assert catalogue.interactions.ratings is None and catalogue.interactions.times is None
    assert catalogue.notes == ("shop.inter: columns user = user_id, item = item_id",)


@pytest.mark.parametrize("present, absent", [("kg", "link"), ("link", "kg")])
def test_graph_without_its_other_half_is_said(source, present, absent):
    (source / f"shop.{absent}").unlink()
    catalogue = read_recbole(source, name="shop")
    assert catalogue.relations == ()
    assert f"shop.{present} is not read: shop.{absent} is missing" in catalogue.notes


def test_graph_without_triples(source):
    (source / "shop.kg").write_text(KG.splitlines()[0])
    assert read_recbole(source, name="shop").relations == ()


def test_item_that_is_described_twice(source):
    (source / "shop.item").write_text(ITEM + "B1\tanother\tHome\t1\n")
    catalogue = read_recbole(source, name="shop")
    assert catalogue.columns["title"][1] == '"Big pen'
    assert "shop.item: 1 rows name an item again; the first row counts" in catalogue.notes


def test_crlf_and_byte_order_mark(source):
    for file in source.glob("shop.*"):
        content = file.read_bytes().replace(b"\n", b"\r\n")
        file.write_bytes(b"\xef\xbb\xbf" + content)
    catalogue = read_recbole(source, name="shop")
    assert catalogue.item_ids == ("B2", "B1", "B9") and len(catalogue.relations) == 3
    assert catalogue.columns["price"] == ("", "3.5", "")


def test_characters_that_other_programs_take_for_line_ends(bare):
    text = "user_id:token\titem_id:token\na\tx\x85y\nb\tp\u2028q\n"
    (bare / "shop.inter").write_text(text, encoding="utf-8")
    assert read_recbole(bare, name="shop").item_ids == ("x\x85y", "p\u2028q")


HEAD = "user_id:token\titem_id:token\t"


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        ("inter", "", "shop.inter: the file is empty"),
        ("inter", "version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("inter", "userID\titemID\n", "column 'userID': expected name:type"),
        ("inter", "user_id:token\titem_id:int\n", "shop.inter, row 1: column 'item_id:int'"),
        (
            "inter",
            "user_id:token\tuser_id:float\titem_id:token\n",
            "2 columns are called 'user_id'",
        ),
        ("inter", "user_id:token\tmovie:token\n", "shop.inter: no column of item ids"),
        ("inter", "item_id:token\n", "shop.inter: no column of user ids"),
        ("inter", "user_id:token\titem_id:token\n", "shop.inter: it has no row"),
        ("inter", HEAD + "rating:float\na\tb\n", "shop.inter, row 2: 2 columns, expected 3"),
        ("inter", HEAD + "rating:float\na\tb\tinf\n", "row 2: rating 'inf' is not"),
        ("inter", HEAD + "rating:float\na\tb\tx\n", "row 2: rating 'x' is not"),
        ("inter", HEAD + "rating:float\na\t\t1\n", "row 2: the item id is empty"),
        ("inter", HEAD + "rating:float\n\n \tb\t1\n", "row 2: the user id is empty"),
        ("inter", HEAD + "timestamp:float\na\tb\tinf\n", "row 2: time 'inf' is neither"),
        ("item", "title:token_seq\nx\n", "shop.item: no column of item ids"),
        ("item", "item_id:token\ttitle:text\n", "shop.item, row 1: column 'title:text'"),
        ("item", "item_id:token\ttitle:token\n\tpen\n", "shop.item, row 2: the item id is empty"),
        ("kg", "head_id:token\ttail_id:token\n", "shop.kg: no column 'relation_id'"),
        ("kg", KG + "a\tb\n", "shop.kg, row 9: 2 columns, expected 3"),
        ("kg", KG + "a\tb\tc\td\n", "shop.kg, row 9: 4 columns, expected 3"),
        ("kg", KG + "a\t\tc\n", "shop.kg, row 9: the relation id is empty"),
        ("link", "item_id:token\titem:token\n", "shop.link: no column 'entity_id'"),
        ("link", LINK + "B3\t\n", "shop.link, row 6: the entity id is empty"),
        ("link", "", "shop.link: the file is empty"),
    ],
)
def test_malformed_files(source, suffix, text, message):
    (source / f"shop.{suffix}").write_text(text)
    assert message in refusal(source)


@pytest.mark.parametrize("suffix", ("inter", "item", "kg", "link"))
def test_text_that_is_not_utf8(source, suffix):
    file = source / f"shop.{suffix}"
    *before, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*before, b"\xff" + last]))
    assert f"shop.{suffix}, row {len(before) + 1}: not UTF-8 text" in refusal(source)


def test_missing_file_and_directory(tmp_path):
    assert "shop.inter: no such file; the directory holds no .inter file" in refusal(tmp_path)
    assert "absent: there is no such directory" in refusal(tmp_path / "absent")


def test_links_of_no_item_are_refused(source):
    (source / "shop.link").write_text("item_id:token\tentity_id:token\n1\tm.1\n2\tm.2\n")
    assert refusal(source).endswith(
        "shop.link: none of its 2 item ids is known; it has '1', but the data set has 'B2'; use "
        "the same ids in both"
    )


def test_a_graph_that_no_link_touches_is_refused(source):
    (source / "shop.link").write_text("item_id:token\tentity_id:token\nB1\tQ1\n")
    assert "shop.kg: none of its 7 triples touches an item, the first is 'm.1'" in refusal(source)
