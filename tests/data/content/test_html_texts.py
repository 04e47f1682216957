"""Character references of HTML in tables of items."""

import pytest

from kdiffe_jax.data.content.html_texts import without_references
from kdiffe_jax.data.readers.item_table import read_item_table
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.values import LIST_MARK


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Toys &amp; Games", "Toys & Games"),
        ("Mommy&#39;s&nbsp;cap&#x27;", "Mommy's cap'"),
        ("a&#10;b", "a b"),
        ("AT&T &copy 2 & 3; &nosuch;", "AT&T &copy 2 & 3; &nosuch;"),
        ("https://x/?a=1&lt=2&amp;b=3", "https://x/?a=1&lt=2&b=3"),
        ("&#99999999999;", "&#99999999999;"),
    ],
)
def test_one_text(text, plain):
    assert without_references([text])[0] == [plain]


def test_values_and_titles_of_a_table_of_items(tmp_path):
    (tmp_path / "items.csv").write_text(
        "item,title,categories\na,Pen &amp; ink,Toys &amp; Games\nb,Cup,Toys & Games\n"
    )
    table = read_item_table(tmp_path / "items.csv", TableColumns())
    assert table.columns["title"] == ("Pen & ink", "Cup")
    assert table.columns["categories"] == ("Toys & Games", "Toys & Games")
    assert any("such as &amp;, in 2 texts are read" in note for note in table.notes)


def test_values_in_lists(tmp_path):
    rows = (
        '{"item": "a", "genres": ["R&amp;B", "&quot;x&quot;, y", null]}',
        '{"item": "b", "genres": ["R&B"]}',
    )
    (tmp_path / "items.jsonl").write_text("\n".join(rows))
    table = read_item_table(tmp_path / "items.jsonl", TableColumns())
    assert table.columns["genres"] == (
        LIST_MARK + '["R&B", "\\"x\\", y"]',
        LIST_MARK + '["R&B"]',
    )
    assert any("such as &amp;, in 1 texts are read" in note for note in table.notes)
    nested = LIST_MARK + '[["Toys &amp; Games", "C0"], [null]]'
    assert without_references([nested]) == ([LIST_MARK + '[["Toys & Games", "C0"], [null]]'], 1)
