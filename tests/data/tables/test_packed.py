"""Text tables as they come: packed, with any separator, in parts."""

import bz2
import gzip

import pytest

from kdiffe_jax.data.readers.link_table import add_triples
from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.data.sources import layout_of, read_source
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import open_table
from kdiffe_jax.data.tables.packed import FIELD, OneLetter
from kdiffe_jax.data.tables.values import LIST_MARK
from kdiffe_jax.errors import ConfigError, DataError

TEXT = b"user,item,rating\nann,red,5\nben,blue,4\n"


def zstandard(content: bytes) -> bytes:
    return arrow().Codec("zstd").compress(content).to_pybytes()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "zst": zstandard}


def rows(table):
    parts = [list(part.columns.values()) for part in table.parts(list(table.names))]
    columns = [sum((part[n].to_pylist() for part in parts), []) for n in range(len(table.names))]
    return list(zip(*columns, strict=True))


def refusal(read, *args, **kwargs) -> str:
    with pytest.raises(DataError) as caught:
        read(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_tables_are_found_and_read(tmp_path, ending):
    (tmp_path / f"interactions.csv.{ending}").write_bytes(PACKERS[ending](TEXT))
    items = b"item,title\nred,Red cup\nblue,Blue cup\n"
    (tmp_path / f"items.csv.{ending}").write_bytes(PACKERS[ending](items))
    layout, catalogue = read_source(tmp_path, name="shop")
    assert layout == "tables"
    assert catalogue.user_ids == ("ann", "ben") and catalogue.item_names == ("Red cup", "Blue cup")


@pytest.mark.parametrize("ending", PACKERS)
def test_what_a_file_holds_counts_not_its_name(tmp_path, ending):
    (tmp_path / "ratings").write_bytes(PACKERS[ending](TEXT))
    assert rows(open_table(tmp_path / "ratings")) == [("ann", "red", "5"), ("ben", "blue", "4")]


@pytest.mark.parametrize("ending", PACKERS)
def test_a_file_that_was_cut_is_one_line(tmp_path, ending):
    many = TEXT + b"".join(b"u%d,i%d,3\n" % (n, n * n) for n in range(5000))
    packed = PACKERS[ending](many)
    file = tmp_path / "interactions.csv"
    file.write_bytes(packed[: len(packed) // 2])
    message = refusal(lambda: rows(open_table(file)))
    assert message.startswith(f"{file}: cannot be read, fetch or write it again")


def test_two_letters_between_fields_are_found(tmp_path):
    (tmp_path / "ratings.dat").write_text("1::10::5\n2::11::4\n")
    table = open_table(tmp_path / "ratings.dat", is_header=lambda names: False)
    assert table.delimiter == "::"
    assert rows(table) == [("1", "10", "5"), ("2", "11", "4")]


@pytest.mark.parametrize(
    ("mark", "separator"), [(";", ";"), ("\t", "tab"), ("\t", "\\t"), ("||", "||"), (", ", ", ")]
)
def test_a_separator_that_is_named_is_used_in_every_table(tmp_path, mark, separator):
    for stem, text in (
        ("interactions", "user,item\nann,a:1\nben,b:2\n"),
        ("items", "item,title\na:1,Red:cup\nb:2,Blue:cup\n"),
        ("triples", "item,relation,entity\na:1,by,Acme\n"),
    ):
        (tmp_path / f"{stem}.csv").write_text(text.replace(",", mark))
    columns = TableColumns(separator=separator)
    catalogue = read_tables(tmp_path, name="shop", columns=columns)
    assert catalogue.item_ids == ("a:1", "b:2")
    assert catalogue.item_names == ("Red:cup", "Blue:cup")
    assert catalogue.relations[0].entity_names == ("Acme",)


def test_the_separator_reaches_a_table_of_triples(tmp_path):
    (tmp_path / "interactions.csv").write_bytes(TEXT)
    catalogue = read_tables(tmp_path, name="shop")
    (tmp_path / "made.txt").write_text("red~~Acme\n")
    catalogue = add_triples(
        catalogue, tmp_path / "made.txt", "by", columns=TableColumns(separator="~~")
    )
    assert catalogue.relations[0].entity_names == ("Acme",)


def test_a_row_of_another_length_is_shown_with_the_separator(tmp_path):
    (tmp_path / "t.dat").write_text("user::item\na::b\na::b::c\n")
    message = refusal(lambda: rows(open_table(tmp_path / "t.dat")))
    assert "t.dat, row 3: 3 columns, expected 2: 'a::b::c'" in message


def test_a_separator_that_cannot_be():
    with pytest.raises(ConfigError, match="separator must hold no quote and no line break"):
        TableColumns(separator='"')


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_separators_are_found_across_reads(tmp_path, size):
    text = b"a::b:c:::d::::e:" * 3
    file = tmp_path / "text"
    file.write_bytes(text)
    with file.open("rb") as stream:
        source, found = OneLetter(stream, "::"), b""
        while piece := source.read(size):
            assert len(piece) <= size
            found += piece
    assert found == text.replace(b"::", FIELD.encode())


def write_parts(directory, table, packed):
    """As Spark does, with a mark that it is done and a part without rows."""
    pa = arrow()
    directory.mkdir(exist_ok=True)
    (directory / "_SUCCESS").write_bytes(b"")
    (directory / ".part-00000.crc").write_bytes(b"crc")
    for number, part in enumerate((table.slice(0, 2), table.slice(2), table.slice(0, 0))):
        file = directory / f"part-{number:05}-1f-c000.snappy.parquet"
        pa.parquet.write_table(part, file, compression=packed)


def test_a_directory_of_spark_is_a_table(tmp_path):
    table = arrow().table({"user": ["a", "b", "c"], "item": [1, 2, 1]})
    write_parts(tmp_path, table, "snappy")
    assert layout_of(tmp_path) == "tables"
    catalogue = read_tables(tmp_path, name="shop")
    assert (catalogue.user_ids, catalogue.item_ids) == (("a", "b", "c"), ("1", "2"))
    assert len(catalogue.files) == 3


def test_tables_of_a_directory_may_be_directories_of_spark(tmp_path):
    pa = arrow()
    table = pa.table({"user": ["a", "b", "c"], "item": [1, 2, 1]})
    write_parts(tmp_path / "interactions.parquet", table, "snappy")
    table = pa.table(
        {"item": [1, 2, 3], "title": ["Cup", "Hat", "Pen"], "tags": [["x"], [], ["y"]]}
    )
    write_parts(tmp_path / "items", table, "zstd")
    _, catalogue = read_source(tmp_path, name="shop")
    assert catalogue.item_names == ("Cup", "Hat", "Pen")
    assert catalogue.columns["tags"] == (LIST_MARK + '["x"]', "", LIST_MARK + '["y"]')
    assert all((tmp_path / file).is_file() for file in catalogue.files)
    assert len(catalogue.files) == 6


def test_text_parts_have_headers_each(tmp_path):
    (tmp_path / "part-00000.csv").write_bytes(TEXT)
    (tmp_path / "part-00001.csv.gz").write_bytes(gzip.compress(TEXT.replace(b"ann", b"cleo")))
    (tmp_path / "part-00002.csv").write_bytes(b"")
    assert read_tables(tmp_path, name="shop").user_ids == ("ann", "ben", "cleo")
    (tmp_path / "part-00001.csv.gz").write_bytes(gzip.compress(b"user,item\ncleo,red\n"))
    assert "all parts need the same" in refusal(read_tables, tmp_path, name="shop")


def test_a_row_of_a_part_is_named_by_its_file(tmp_path):
    (tmp_path / "interactions.csv").write_bytes(TEXT)
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "part-0.csv").write_text("item,title\nred,Cup\n")
    (tmp_path / "items" / "part-1.csv").write_text("item,title\nblue,Hat\n,Pen\n")
    message = refusal(read_tables, tmp_path, name="shop")
    assert "part-1.csv, row 3: the item id is" in message
    (tmp_path / "items" / "part-1.csv").write_text("item,name\nblue,Hat\n")
    assert "columns item, name, but part-0.csv has item, title" in refusal(
        read_tables, tmp_path, name="shop"
    )
