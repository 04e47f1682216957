"""Frames or dictionaries of new users and new items -> what the recommender takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdiffe_jax.api.asked import asked_for, column_of, pairs_of_frame
from kdiffe_jax.api.dataset import Data
from kdiffe_jax.api.frames import is_frame, to_arrow
from kdiffe_jax.api.ids import IdColumn, as_text
from kdiffe_jax.data.prepare import counts_labels
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.text_of import text_of_one
from kdiffe_jax.data.tables.values import texts
from kdiffe_jax.errors import DataError
from kdiffe_jax.recommend.ids import listed

Entity = str | tuple[str, str]


def items_by_user(
    histories: Any, users: IdColumn, items: IdColumn, data: Data | None = None
) -> dict[str, list[str]]:
    """User -> the items chosen, as texts.

    Raises:
      DataError: no frame with both columns and no dictionary, a Series, two ids of one text;
        ratings, of which the data count some alone.

    >>> items_by_user({7: [1, 2]}, IdColumn("user"), IdColumn("item"))
    {'7': ['1', '2']}
    """
    if isinstance(histories, Mapping):
        of_user = _by_text(histories, "user").items()
        return {user: asked_for(own, items, "items") for user, own in of_user}
    _refuse_series(histories)
    _refuse_ratings(histories, data)
    found: dict[str, list[str]] = {}
    for user, item in pairs_of_frame(histories, users, items):
        found.setdefault(user, []).append(item)
    return found


def _refuse_series(histories: Any) -> None:
    """A list of two items in a Series would be read as a user and an item."""
    if type(histories).__name__ == "Series":
        raise DataError(
            "histories: a Series; give a frame of user and item, or {user: items}, which "
            ".to_dict() makes of a Series of lists by user"
        )


def _refuse_ratings(histories: Any, data: Data | None) -> None:
    if data is None or data.source is None or not is_frame(histories):
        return
    table = to_arrow(histories, "histories")
    name = data.source.columns.find("rating", table.column_names)
    some = counts_labels(data.dataset) or data.source.config.to_flat()["min_rating"]
    if some and name in table.column_names:
        raise DataError(
            f"histories, column {name!r}: ratings are not read here, and the data count some "
            "alone; keep the rows that count and leave the column out"
        )


def entities_by_item(entities: Any, items: IdColumn) -> dict[str, list[Entity]]:
    """Item -> its entities, each a name or (relation, name), as the data set writes them.

    Raises:
      DataError: no frame of item, relation and entity and no dictionary, two ids of one text, an
        entity that is missing or no scalar.

    >>> entities_by_item({"new": "Acme", 7: [("year", 2001.0)]}, IdColumn("item"))
    {'new': ['Acme'], '7': [('year', '2001')]}
    """
    if isinstance(entities, Mapping):
        given = _by_text(entities, "item").items()
        return {item: [_entity(one, item) for one in listed(own)] for item, own in given}
    if not is_frame(entities):
        raise DataError("items: give {item: entities}, or a frame of item, relation and entity")
    table = to_arrow(entities, "items")
    wanted = (column_of(table, items.name), "relation", "entity")
    for name in wanted:
        if name not in table.column_names:
            there = ", ".join(table.column_names)
            raise DataError(
                f"items: no column {name!r}; give the columns {', '.join(wanted)}, a row for each "
                f"entity of a new item; there are {there}"
            )
    found: dict[str, list[Entity]] = {}
    rows = zip(
        asked_for(entities, items, "items"),
        _names(table, "relation"),
        _names(table, "entity"),
        strict=True,
    )
    for item, relation, entity in rows:
        found.setdefault(item, []).append((relation, entity))
    return found


def _entity(given: Any, item: str) -> Entity:
    if isinstance(given, list | tuple) and len(given) == 2:
        return given[0], _name(given[1], item)
    return _name(given, item)


def _name(given: Any, item: str) -> str:
    try:
        name = as_text(given) if isinstance(given, str) else text_of_one(given)
    except arrow().ArrowException:
        name = None
    if not isinstance(name, str):
        raise DataError(
            f"entities of {item!r}: {given!r} is no name; give text or a number, or (relation, "
            "name)"
        )
    return name


def _names(table: Any, column: str) -> list[str]:
    def place(index: int) -> str:
        return f"items, row {index + 1}"

    found = texts(table[column], place, ())
    if "" in found:
        raise DataError(
            f"{place(found.index(''))}: the {column} is missing; fill it in or remove the row"
        )
    return found


def _by_text(given: Mapping, what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, own in given.items():
        if (text := as_text(name)) in found:
            raise DataError(f"new {what} {text!r} stands there twice, as a number and as text")
        found[text] = own
    return found
