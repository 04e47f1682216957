"""What is extracted: tables, folders and columns of text, and every way they are malformed."""

import os

import pytest

from kdiffe_jax.errors import DataError
from kdiffe_jax.extract.entries import Entry, Unreadable, check_file, file_entries, text_entries


def refusal(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_table_names_files_beside_it(tmp_path):
    table = tmp_path / "images.tsv"
    table.write_bytes("\ufeffitem\tfile\r\nB01\ta/1.jpg\r\n\r\n赤 x\t/abs/2.jpg\n".encode())
    assert file_entries(table) == [
        Entry("B01", "a/1.jpg", tmp_path / "a/1.jpg"),
        Entry("赤 x", "/abs/2.jpg", tmp_path / "/abs/2.jpg"),
    ]


def test_a_folder_names_items_by_its_files(tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ("b.2.jpg", "a", ".hidden", "9223372036854775807.png"):
        (tmp_path / name).write_text("x")
    assert [entry._replace(version="") for entry in file_entries(tmp_path)] == [
        Entry(
            "9223372036854775807", "9223372036854775807.png", tmp_path / "9223372036854775807.png"
        ),
        Entry("a", "a", tmp_path / "a"),
        Entry("b.2", "b.2.jpg", tmp_path / "b.2.jpg"),
    ]


def test_columns_of_text_are_joined(tmp_path):
    table = tmp_path / "items.tsv"
    table.write_text("title\tasin\tprice\tabout\n Mug \tB1\t3\tfor tea\nBowl\tB2\t\t \n\tB3\t\t\n")
    entries = text_entries(table, "asin", ["about", "title"])
    assert [(entry.item, entry.content) for entry in entries] == [
        ("B1", "for tea\nMug"),
        ("B2", "Bowl"),
        ("B3", ""),
    ]
    assert len({entry.source for entry in entries}) == 3


def test_a_changed_text_is_another_source(tmp_path):
    table = tmp_path / "items.tsv"
    sources = []
    for text in ("Mug", "Cup", "Mug"):
        table.write_text(f"item\ttitle\nB1\t{text}\n")
        sources.append(text_entries(table, "item", ["title"])[0].source)
    assert sources[0] == sources[2] != sources[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\tx.jpg\nb\n", "line 2: expected an item, a tab and a file"),
        ("a\tx.jpg\tmore\n", "line 1: expected an item, a tab and a file"),
        ("a\tx.jpg\n\ty.jpg\n", "line 2: expected"),
        ("a\tx.jpg\n\na\ty.jpg\n", "line 3: item 'a' again, first in line 1"),
        ("item\tfile\n", "names no items"),
        ("", "empty"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_malformed_table(tmp_path, content, words):
    table = tmp_path / "images.tsv"
    table.write_text(content)
    message = refusal(file_entries, table)
    assert words in message and str(table) in message


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "images.tsv").write_bytes(b"a\tx.jpg\nb\t\xff.jpg\n")
    assert "line 2: not UTF-8" in refusal(file_entries, tmp_path / "images.tsv")


def test_no_input(tmp_path):
    assert "no such file" in refusal(file_entries, tmp_path / "absent.tsv")
    assert "names no items" in refusal(file_entries, tmp_path)


def test_two_files_of_one_item(tmp_path):
    for name in ("a.jpg", "a.png"):
        (tmp_path / name).write_text("x")
    assert "a.png: item 'a' again, first in a.jpg" in refusal(file_entries, tmp_path)


@pytest.mark.parametrize("name", [b"a\tb.jpg", b"a\nb.jpg", b"a\xff.jpg"])
def test_names_that_fit_no_line(tmp_path, name):
    with open(os.path.join(os.fsencode(tmp_path), name), "w") as stream:
        stream.write("x")
    assert "rename it" in refusal(file_entries, tmp_path)


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("item\ttitle\nB1\tMug\n", ["name"], "no column 'name'; it has item, title"),
        ("asin\ttitle\nB1\tMug\n", ["title"], "no column 'item'"),
        ("item\ttitle\nB1\tMug\nB1\tCup\n", ["title"], "row 3: item 'B1' again"),
        ("item\ttitle\n \tMug\n", ["title"], "row 2: no item; fill it in"),
        ("item\ttitle\nB1\n", ["title"], "row 2: 1 columns"),
        ("item\ttitle\n", ["title"], "names no items"),
    ],
)
def test_malformed_text_table(tmp_path, content, columns, words):
    table = tmp_path / "items.tsv"
    table.write_text(content)
    assert words in refusal(text_entries, table, "item", columns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    ],
)
def test_files_that_hold_nothing(tmp_path, content, words):
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(Unreadable, match=words):
        check_file(tmp_path / "a")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(Unreadable, match="not a file"):
        check_file(tmp_path)
    (tmp_path / "a").write_bytes(b"x")
    check_file(tmp_path / "a")
