"""Which columns of a table count, by name and by common names."""

from pathlib import Path

import pytest

from kdiffe_jax.data.tables.columns import COMMON, TableColumns, plain
from kdiffe_jax.errors import ConfigError, DataError


def test_content_columns_by_common_names_and_by_flags():
    names = ("title", "Brand", "genres", "categories", "price", "description")
    assert TableColumns().content(names) == {
        "text_columns": ("title", "description"),
        "attribute_columns": ("Brand",),
        "list_columns": ("genres",),
        "path_columns": ("categories",),
    }
    columns = TableColumns(text_columns="none", attribute_columns="price, title")
    assert columns.content(names)["text_columns"] == ()
    assert columns.content(names)["attribute_columns"] == ("price", "title")
    assert TableColumns(list_columns="title").content(names)["text_columns"] == ("description",)
    with pytest.raises(DataError, match="text_columns: items have no column 'titel'; they have"):
        TableColumns(text_columns="titel").content(names)


def test_the_page_names_all_columns_that_are_found():
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("- **Column names**"))
    named = {plain(name) for name in line.split("`")[1::2]}
    assert set().union(*(COMMON[role] for role in ("user", "item", "rating", "time"))) <= named


@pytest.mark.parametrize(
    "values", (dict(list_separator=""), dict(path_separator=""), dict(list_separator=" > "))
)
def test_separators_that_cannot_separate(values):
    with pytest.raises(ConfigError, match="separator"):
        TableColumns(**values)


def test_of_several_names_the_first_that_a_table_has_counts():
    columns = TableColumns(item_column="movieId, id")
    assert columns.find("item", ["userId", "movieId"]) == "movieId"
    assert columns.find("item", ["id", "title"]) == "id"
    assert columns.find("item", ["title"]) == "movieId"
    assert TableColumns(item_column="a, b").find("item", ["a, b", "a"]) == "a, b"
