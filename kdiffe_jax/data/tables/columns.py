"""`TableColumns`: which column of a table holds what, named or found by common names."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Collection, Iterable

from kdiffe_jax.data.tables.missing import WORDS, missing_words
from kdiffe_jax.errors import ConfigError, DataError, listed
from kdiffe_jax.options import Checked, option

NONE = "none"

# Without case, blanks, `_` and `-`; the first that a table has is taken.
COMMON = {
    "user": (
        "userid", "user", "uid", "reviewerid", "customerid", "visitorid", "memberid", "customer",
        "member", "clientid", "client", "accountid", "account", "buyerid", "buyer",
    ),
    "item": (
        "itemid", "item", "iid", "parentasin", "asin", "productid", "movieid", "trackid", "songid",
        "videoid", "bookid", "isbn", "articleid", "businessid", "sku", "stockcode", "productcode",
        "product", "articlenumber", "gtin", "ean", "recipeid", "gameid", "newsid", "appid",
    ),
    "rating": ("rating", "stars", "overall", "score", "label", "click", "clicked", "isclick"),
    "time": (
        "timestamp", "time", "unixreviewtime", "unixtime", "datetime", "date", "orderedat",
        "ordertime", "orderdate", "invoicedate", "purchasedat", "purchasedate", "purchasetime",
        "createdat", "eventtime",
    ),
    "split": ("split", "xlabel"),
    "item_name": ("title", "itemname", "name", "productname"),
    "item_picture": ("imageurl", "picture", "image", "imurl", "pictureurl", "posterurl"),
}  # fmt: skip
_COMMON_CONTENT = {
    "text_columns": ("title", "itemname", "name", "productname", "description", "caption", "text"),
    "attribute_columns": (
        "brand", "store", "manufacturer", "artist", "author", "publisher", "director",
    ),
    "list_columns": ("genres", "genre", "tags", "keywords"),
    "path_columns": ("categories", "category"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class TableColumns(Checked):
    """Columns by name. Empty finds one by common names, `none` uses none.

    Where user_column and item_column are numbers, tables of interactions have no header,
    and their columns are numbered from 0.
    """

    user_column: str = option(
        "", "column of user ids; empty finds it (user_id, ...); 0, 1, ... without header"
    )
    item_column: str = option(
        "",
        "column of item ids, or columns where tables differ; empty finds it (item_id, ...); 0, "
        "1, ... without header",
    )
    rating_column: str = option("", "column of ratings; empty finds it, `none` ignores ratings")
    time_column: str = option(
        "", "column of times, numbers or ISO dates; empty finds it, `none` ignores times"
    )
    split_column: str = option(
        "", "column of train/valid/test or 0/1/2; empty finds it, `none` ignores it"
    )
    text_columns: str = option(
        "", "item columns of text, comma-separated; empty finds them (title, ...), or `none`"
    )
    attribute_columns: str = option(
        "", "item columns of one value each; empty finds them (brand, ...), or `none`"
    )
    list_columns: str = option(
        "", "item columns of several values; empty finds them (genres, tags, ...), or `none`"
    )
    path_columns: str = option(
        "", "item columns of category paths; empty finds them (categories), or `none`"
    )
    list_separator: str = option("|", "stands between the values of a list, and between paths")
    path_separator: str = option(" > ", "stands between the levels of a category path")
    separator: str = option(
        "", "between the fields of text tables, such as ; or :: or tab; empty finds it"
    )
    quote: str = option(
        "auto",
        "double quotes around fields of text tables; auto refuses those that swallow rows, double "
        "keeps all line breaks in fields, none reads quotes as letters",
        choices=("auto", "double", "none"),
    )
    missing: str = option(
        WORDS, "words for a missing value, comma-separated, in any case; empty: there are none"
    )
    item_name_column: str = option("", "column of item names to show; empty finds it, or `none`")
    item_picture_column: str = option(
        "", "column of picture addresses to show; empty finds it, or `none`"
    )

    def __post_init__(self):
        super().__post_init__()
        if not self.list_separator or not self.path_separator:
            raise ConfigError("list_separator and path_separator must not be empty")
        if self.list_separator == self.path_separator:
            raise ConfigError("list_separator and path_separator must differ")
        if any(mark in self.separator for mark in '"\r\n'):
            raise ConfigError("separator must hold no quote and no line break")

    @property
    def by_number(self) -> bool:
        """Whether tables of interactions have no header."""
        return self.user_column.isdecimal() and self.item_column.isdecimal()

    @property
    def field_separator(self) -> str:
        """What `separator` means: a tab has a name, as a shell hardly lets it be typed.

        >>> TableColumns(separator="tab").field_separator
        '\\t'
        """
        return "\t" if self.separator in ("tab", "\\t") else self.separator

    @property
    def missing_words(self) -> frozenset[str]:
        """What stands for a missing value, in lower case."""
        return missing_words(self.missing)

    def find(self, role: str, names: Collection[str]) -> str:
        """The column among `names` for a role such as "user"; empty where there is none.

        A column that was named is given back whether it is there or not; of several that were
        named the first that is there.

        >>> TableColumns().find("user", ["asin", "reviewerID"])
        'reviewerID'
        """
        named = getattr(self, f"{role}_column").strip()
        if named:
            several = names_in(named)
            found = [name for name in (named, *several) if name in names] or [*several, named]
            return "" if named == NONE else found[0]
        return next(iter(_common(COMMON[role], names)), "")

    def is_path(self, name: str) -> bool:
        """Whether an item column holds category paths."""
        named = self.path_columns.strip()
        return name in names_in(named) if named else plain(name) in _COMMON_CONTENT["path_columns"]

    def has_values(self, name: str) -> bool:
        """Whether the parts of an item column's lists are entities, or levels of a path."""
        return any(
            name in names_in(getattr(self, role))
            if getattr(self, role).strip()
            else plain(name) in common
            for role, common in _COMMON_CONTENT.items()
            if role != "text_columns"
        ) and name not in names_in(self.text_columns)

    def content(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Which item columns are text, attributes, lists and paths, keyed by option.

        Raises:
          DataError: a column that was named is not among `names`.
          ConfigError: a separator of lists or paths, and there are none.

        >>> TableColumns(list_columns="title").content(["title", "brand", "price"])
        {'text_columns': (), 'attribute_columns': ('brand',), 'list_columns': ('title',), \
'path_columns': ()}
        """
        named = {role: names_in(getattr(self, role)) for role in _COMMON_CONTENT}
        for role, columns in named.items():
            for column in columns:
                if column not in names:
                    there = listed(names) or "no columns at all"
                    raise DataError(f"{role}: items have no column {column!r}; they have {there}")
        left = [name for name in names if name not in sum(named.values(), ())]
        for role in ("item_name", "item_picture"):
            column = self.find(role, names)
            if column and column not in names:
                there = listed(names) or "no columns at all"
                raise DataError(
                    f"{role}_column: items have no column {column!r}; they have {there}"
                )
        found = {
            role: named[role] if getattr(self, role).strip() else tuple(_common(common, left))
            for role, common in _COMMON_CONTENT.items()
        }
        self._refuse_idle_separators(found)
        return found

    def _refuse_idle_separators(self, found: dict[str, tuple[str, ...]]) -> None:
        lists, paths = found["list_columns"], found["path_columns"]
        for name, used in (("list_separator", lists or paths), ("path_separator", paths)):
            if not used and getattr(self, name) != getattr(TableColumns, name):
                kind = name.partition("_")[0]
                raise ConfigError(
                    f"--{name} has no effect: no column of items holds {kind}s; name some by "
                    f"--{kind}_columns"
                )


def names_in(text: str) -> tuple[str, ...]:
    """Column names in a comma-separated list, in quotes where they hold commas; `none` is none.

    >>> names_in("title, description"), names_in('"brand, make",colour')
    (('title', 'description'), ('brand, make', 'colour'))
    """
    row = next(csv.reader([text], skipinitialspace=True), [])
    names = tuple(name.strip() for name in row if name.strip())
    return () if names == (NONE,) else names


def as_names(names: Iterable[str]) -> str:
    """Column names as `names_in` reads them.

    >>> as_names(["title", "brand, make"]), as_names([""])
    ('title,"brand, make"', '')
    """
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(filter(None, names))
    return row.getvalue()


def plain(name: str) -> str:
    """A column's name without case, blanks, `_` and `-`.

    >>> plain("Reviewer_ID")
    'reviewerid'
    """
    return "".join(name.lower().replace("_", " ").replace("-", " ").split())


def _common(common: Collection[str], names: Collection[str]) -> list[str]:
    """Those of `names` that are common, the most telling first."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    return [by_plain[name] for name in common if name in by_plain]
