"""Tables in pieces: every kind of file gives the same rows, every broken one its place."""

import gzip
import lzma
import sys

import numpy as np
import pytest

from kdiffe_jax.data.tables import parquet, text_table
from kdiffe_jax.data.tables.delimited import find_table, open_table
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = [("u1", "a", "1"), ("ü 2", "b,c", ""), ('"q"', "赤", "3")]


def content(path, columns=None, **options) -> list[tuple]:
    table = open_table(path, **options)
    columns = table.names if columns is None else columns
    rows = []
    for part in table.parts(columns):
        rows += zip(*(part.columns[name].to_pylist() for name in columns), strict=True)
    return rows


def refusal(path, columns=None, **options) -> str:
    with pytest.raises(DataError) as caught:
        content(path, columns, **options)
    message = str(caught.value)
    assert "\n" not in message and str(path.name) in message
    return message


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(text_table, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(parquet, "_ROWS", 3)


CSV = 'user,item,n\nu1,a,1\nü 2,"b,c",\n"""q""",赤,3\n'


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig"))
@pytest.mark.parametrize("ending", ("\n", "\r\n", "\r"))
@pytest.mark.parametrize("packed", (False, True))
def test_text_in_every_dress(tmp_path, encoding, ending, packed):
    raw = CSV.replace("\n", ending).encode(encoding)
    file = tmp_path / ("t.csv.gz" if packed else "t.csv")
    file.write_bytes(gzip.compress(raw) if packed else raw)
    assert content(file) == ROWS


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("t.tsv", "\t"),
        ("t.txt", "\t"),
        ("t.tab", "\t"),
        ("t.csv", ";"),
        ("t.csv", "\t"),
        ("t.tsv", ","),
        ("t.txt", " "),
    ],
)
def test_delimiter_is_what_the_first_row_has(tmp_path, name, mark):
    file = write(tmp_path / name, f"user{mark}item\na{mark}1\n")
    assert open_table(file).delimiter == mark
    assert content(file) == [("a", "1")]


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("1;10;4,5", ";"),
        ('1;"10";-4,5;"3,5";x', ";"),
        ("1,10,a;b;c;d", ","),
        ("4,5;3", ","),
        ("user;item;a,b", ","),
        ("1;10;1,234,567", ","),
    ],
)
def test_decimal_commas_do_not_mislead(tmp_path, line, mark):
    file = write(tmp_path / "t.csv", f"{line}\n")
    assert open_table(file, is_header=lambda names: False).delimiter == mark


def test_commas_in_a_tab_separated_header_do_not_mislead(tmp_path):
    assert open_table(write(tmp_path / "t.tsv", "a,b\tc\n")).names == ("a,b", "c")


def test_parquet_gives_the_same_rows(tmp_path):
    columns = dict(zip(("user", "item", "n"), zip(*ROWS, strict=True), strict=True))
    pq.write_table(pa.table({k: list(v) for k, v in columns.items()}), tmp_path / "t.parquet")
    assert content(tmp_path / "t.parquet") == ROWS
    assert open_table(tmp_path / "t.parquet").first_row == 1


def test_only_the_columns_asked_for_in_their_order(tmp_path):
    assert content(write(tmp_path / "t.csv", CSV), ["n", "user"])[2] == ("3", '"q"')


def test_quoted_line_breaks_and_blank_lines(tmp_path):
    file = write(tmp_path / "t.csv", '\n\na,b\n1,"x\ny"\n\n\n2,z')
    assert content(file) == [("1", "x\ny"), ("2", "z")]


def test_file_without_header(tmp_path):
    file = write(tmp_path / "t.tsv", "u1\ta\nu2\tb\n")
    table = open_table(file, is_header=lambda names: False)
    assert table.names == ("0", "1") and table.first_row == 1
    assert content(file, ["1"], is_header=lambda names: False) == [("a",), ("b",)]


def test_header_alone_has_no_rows(tmp_path):
    assert content(write(tmp_path / "t.csv", "a,b")) == []


def test_many_small_parts_keep_order_and_row_numbers(tmp_path, small_blocks):
    numbers = [str(n) for n in range(100)]
    write(tmp_path / "t.csv", "n\n" + "\n".join(numbers) + "\n")
    pq.write_table(pa.table({"n": numbers}), tmp_path / "t.parquet")
    for name, first in (("t.csv", 2), ("t.parquet", 1)):
        table = open_table(tmp_path / name)
        parts = list(table.parts(["n"]))
        assert len(parts) > 4
        read = np.concatenate([part.columns["n"].to_pylist() for part in parts])
        np.testing.assert_array_equal(read, numbers)
        assert parts[3].place(1) == f"{table.path}, row {first + 1 + sum(map(len, parts[:3]))}"
        assert parts[-1].bytes_done == table.path.stat().st_size


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "t.csv")


def test_missing_file_beside_its_archive(tmp_path):
    (tmp_path / "t.csv.zip").write_bytes(b"PK\x03\x04")
    assert "t.csv.zip: unzip it first" in refusal(tmp_path / "t.csv")


def test_directory_instead_of_a_file(tmp_path):
    assert "a directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "the file is empty"),
        (b"\n\r\n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"PK\x03\x04rest", "unzip it, or save it as CSV"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
        (lzma.compress(b"a,b\n1,2\n"), "packed by xz; unpack it first"),
        (
            gzip.compress(b"t.csv" + bytes(252) + b"ustar\x0000", mtime=0),
            "a tar archive; unpack it first",
        ),
        ("größe,b\n1,2\n".encode("latin1"), "row 1: not UTF-8 text; save the file as UTF-8"),
        ("a,b\n1,2\n3,größe\n".encode("latin1"), "row 3: not UTF-8 text; save the file as UTF-8"),
        (b"a,b\n1,2\n\n3\n", "row 3: 1 columns, expected 2: '3'; mend the row"),
        (b"a,b\n1,2\n  \n", "row 3: 1 columns, expected 2: ''"),
        (b"a,b\n1,2,3\n", "row 2: 3 columns, expected 2: '1,2,3'"),
        ("a,b\nö\n".encode("latin1"), "row 2: 1 columns, expected 2"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', "row 3: a quote is opened and never closed"),
        (b'a,b\n1,2\n3,"4', "row 3: a quote is opened and never closed"),
        (b'a,b,c\n1,2,3\n3,"4\n5,6,7\n7,8,9\n', "row 3: a quote is opened and never closed"),
        (
            gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:-9],
            "cannot be read, fetch or write it again",
        ),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-8] + b"12345678", "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:12] + b"\xff" * 9, "cannot be read"),
        (b"PAR1" + b"\0" * 40, "a broken Parquet file"),
    ],
)
def test_broken_file(tmp_path, raw, expected):
    (tmp_path / "t.csv").write_bytes(raw)
    assert expected in refusal(tmp_path / "t.csv")


def test_row_numbers_of_bad_rows_beyond_the_first_part(tmp_path, small_blocks):
    rows = "a,b\n" + "1,2\n" * 200
    assert "row 202: 1 columns" in refusal(write(tmp_path / "t.csv", rows + "3\n"))
    assert "row 202: not UTF-8" in refusal(write(tmp_path / "u.csv", rows + "ö,\n", "latin1"))


def test_row_longer_than_any_row_is(tmp_path, small_blocks):
    file = write(tmp_path / "t.csv", 'a,b\n1,"' + "2\n" * 200)
    assert "is a quote never closed?" in refusal(file)


def test_truncated_parquet(tmp_path):
    pq.write_table(pa.table({"n": list(range(9))}), tmp_path / "whole")
    raw = (tmp_path / "whole").read_bytes()
    (tmp_path / "t.parquet").write_bytes(raw[:-20])
    assert "a broken Parquet file" in refusal(tmp_path / "t.parquet")


def test_parquet_with_broken_pages(tmp_path):
    pq.write_table(pa.table({"n": [str(n) for n in range(999)]}), tmp_path / "t.parquet")
    raw = bytearray((tmp_path / "t.parquet").read_bytes())
    raw[4:900] = bytes(896)
    (tmp_path / "t.parquet").write_bytes(raw)
    assert "a broken Parquet file" in refusal(tmp_path / "t.parquet")


def test_parquet_text_that_is_not_utf8(tmp_path, small_blocks):
    texts = pa.array([b"a", b"b", b"c", b"d", b"\xff"])
    texts = pa.Array.from_buffers(pa.string(), 5, texts.buffers())
    pq.write_table(pa.table({"n": texts}), tmp_path / "t.parquet")
    assert "row 5: column 'n' is not UTF-8 text" in refusal(tmp_path / "t.parquet")


def test_column_that_is_not_there(tmp_path):
    file = write(tmp_path / "t.csv", "a,b\n1,2\n")
    assert "no column 'c'; it has a, b" in refusal(file, ["a", "c"])


def test_column_that_is_there_twice(tmp_path):
    file = write(tmp_path / "t.csv", "a,b,a\n1,2,3\n")
    assert content(file, ["b"]) == [("2",)]
    assert "2 columns are called 'a'" in refusal(file, ["a"])


def test_columns_of_parquet_that_are_no_text(tmp_path):
    rows = [{"x": 1}]
    table = {"a": ["t"], "struct": rows, "raw": [b"t"], "deep": [[rows]], "list": [["t"]]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    assert open_table(tmp_path / "t.parquet").without_text == {"struct", "raw", "deep"}


def test_find_table(tmp_path):
    assert find_table(tmp_path, "items") is None
    (tmp_path / "items.tsv.zip").write_bytes(b"")
    with pytest.raises(DataError, match="items.tsv.zip: unzip it first"):
        find_table(tmp_path, "items")
    (tmp_path / "items.parquet").write_bytes(b"")
    assert find_table(tmp_path, "items") == tmp_path / "items.parquet"
    (tmp_path / "items.csv.gz").write_bytes(b"")
    with pytest.raises(DataError, match="has items.csv.gz and items.parquet; keep one"):
        find_table(tmp_path, "items")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        content(write(tmp_path / "t.csv", CSV))
    assert str(caught.value) == ("tables need pyarrow: pip install 'kdiffe_jax[tables]'")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'[{"user": "a"}, {"user": "b"}]\n', "one array of JSON; write one object a line"),
        (b"\x93NUMPY\x01\0v\0{'descr': '<i8'}", "an array of NumPy, not a table"),
    ],
)
def test_other_formats_are_named(tmp_path, content, expected):
    (tmp_path / "ratings.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_table(tmp_path / "ratings.csv")
    assert expected in str(caught.value) and "\n" not in str(caught.value)
