"""Reviews as lines of JSON: of Amazon, of every age, and of Yelp. Packed or not.

Amazon: reviews_X_5.json.gz, X_5.json.gz, X.jsonl    who reviewed what; asin or parent_asin
        [meta_X.json.gz, meta_X.jsonl]               products; the oldest are Python literals
Yelp:   yelp_academic_dataset_review.json            user_id, business_id, stars, date
        [yelp_academic_dataset_business.json]        name, categories and more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import (
    ItemTable,
    join_items,
    read_item_table,
    with_new_items,
)
from kdiffe_jax.data.readers.lines import source_directory
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Progress, open_table
from kdiffe_jax.data.tables.ids import positions
from kdiffe_jax.data.tables.packed import without_ending
from kdiffe_jax.errors import DataError

_LINES = (".json", ".jsonl")
_YELP = "yelp_academic_dataset_"
_PICTURES = ("images", "imageURLHighRes", "imageURL", "image", "imUrl")
_OTHERS = (
    "also_bought", "also_viewed", "bought_together", "buy_after_viewing", "also_buy", "also_view",
)  # fmt: skip


def is_amazon(path: Path) -> bool:
    """Whether the directory holds lines of JSON that are not of Yelp."""
    return bool(_amazon_files(path)[0]) and not is_yelp(path)


def is_yelp(path: Path) -> bool:
    """Whether the directory holds the reviews of Yelp."""
    return _yelp_file(path, "review") is not None


def read_amazon(
    path: str | Path,
    *,
    name: str,
    columns: TableColumns | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Reads reviews, and what is known of the products; several categories are one data set.

    The links also_bought and the like become relations between products of the data set.

    Args:
      name: of the data set.
      columns: what the columns are called; by default they are found by common names.
      progress: receives (rows done, bytes done, bytes in all) while reviews are read.

    Raises:
      DataError: a file is missing or malformed.
    """
    path, columns = source_directory(path), columns or TableColumns()
    reviews, products = _amazon_files(path)
    if not reviews:
        raise DataError(f"{path}: no file of reviews, such as reviews.jsonl or X_5.json.gz")
    catalogue = read_interactions(reviews, columns, name=name, progress=progress)
    for file in products:
        table = read_item_table(
            file, columns, opened=partial(open_table, change=_product), first_counts=True
        )
        table, others = _without_links(table)
        catalogue = join_items(with_new_items(catalogue, table), table)
        catalogue = _add_links(catalogue, table, others, columns.list_separator)
    return catalogue


def read_yelp(
    path: str | Path,
    *,
    name: str,
    columns: TableColumns | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Reads reviews, and the names, categories and other columns of the businesses.

    Args:
      name: of the data set.
      columns: what the columns are called; by default they are found by common names.
      progress: receives (rows done, bytes done, bytes in all) while reviews are read.

    Raises:
      DataError: a file is missing or malformed.
    """
    path, columns = source_directory(path), columns or TableColumns()
    reviews, businesses = _yelp_file(path, "review"), _yelp_file(path, "business")
    if reviews is None:
        raise DataError(f"{path / _YELP}review.json: no such file")
    catalogue = read_interactions([reviews], columns, name=name, progress=progress)
    if businesses is not None:
        opened = partial(open_table, change=_business)
        table = read_item_table(businesses, columns, opened=opened)
        catalogue = join_items(with_new_items(catalogue, table), table)
    return catalogue


def _json_files(path: Path) -> list[Path]:
    return [file for file in sorted(path.iterdir()) if without_ending(file.name).endswith(_LINES)]


def _amazon_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Files of reviews and of products."""
    files = _json_files(path)
    products = [file for file in files if file.name.lower().startswith("meta")]
    return [file for file in files if file not in products], products


def _yelp_file(path: Path, what: str) -> Path | None:
    """The only file of reviews, businesses and so on, whatever its ending."""
    stems = {f"{_YELP}{what}", what}
    found = [f for f in _json_files(path) if f.name.split(".")[0] in stems]
    if what == "review" and found and not found[0].name.startswith(_YELP):
        found = found if _yelp_file(path, "business") else []
    if len(found) > 1:
        raise DataError(f"{path}: has {' and '.join(f.name for f in found)}; keep one")
    return found[0] if found else None


def _product(row: dict[str, Any]) -> Mapping[str, Any]:
    """A product with the address of one picture, and its links beside its other columns."""
    pictures = [_address(row.pop(name, None)) for name in _PICTURES]
    picture = next(filter(None, pictures), "")
    links = row.pop("related", None)
    row |= links if isinstance(links, dict) else {}
    return row | ({"image_url": picture} if picture else {})


def _address(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("large") or value.get("hi_res") or value.get("thumb")
    return value if isinstance(value, str) else ""


def _business(row: dict[str, Any]) -> Mapping[str, Any]:
    """A business with a list of categories, each without levels above it."""
    categories = row.get("categories")
    if isinstance(categories, str):
        categories = categories.split(", ")
    if isinstance(categories, list):
        row["categories"] = [[category] for category in categories]
    return row


def _without_links(table: ItemTable) -> tuple[ItemTable, Mapping[str, Sequence[str]]]:
    links = {name: texts for name, texts in table.columns.items() if name in _OTHERS}
    rest = {name: texts for name, texts in table.columns.items() if name not in links}
    return table._replace(columns=rest), links


def _add_links(
    catalogue: Catalogue, table: ItemTable, links: Mapping[str, Sequence[str]], separator: str
) -> Catalogue:
    """The products that a product names, as relations between items."""
    own = positions(table.ids, catalogue.item_ids)
    relations, notes = [], []
    for name, texts in links.items():
        named = [
            (item, other)
            for item, text in zip(own.tolist(), texts, strict=True)
            for other in filter(None, text.split(separator))
        ]
        items = np.array([item for item, _ in named], np.int32)
        others = positions([other for _, other in named], catalogue.item_ids)
        keep = (others >= 0) & (items != others)
        if not keep.all():
            notes.append(
                f"{table.path.name}: {name}: {int((~keep).sum()):,} of {len(keep):,} links lead to "
                "no other product of the data set and were left out"
            )
        if keep.any():
            relations.append(Relation(name, items[keep], others[keep], space=ITEMS))
    return catalogue.extended(relations=relations, notes=notes)
