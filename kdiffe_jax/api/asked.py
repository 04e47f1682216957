"""What a person asks for -> ids as the data set writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kdiffe_jax.api.frames import is_frame, to_arrow
from kdiffe_jax.api.ids import IdColumn, as_text, ids_as_text
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.options import closest
from kdiffe_jax.recommend.ids import pair_of

_OPTIONS = ("exclude_seen", "candidates", "filter", "unknown")
_SHOWN = ", ".join(_OPTIONS)


def asked_for(ids: Any, column: IdColumn, what: str) -> list[str]:
    """One id or many as texts; a text is one id, of a frame its column of ids counts.

    Args:
      ids: a scalar, or a list, series or array of them, or a frame.
      column: of these ids.
      what: names them in a refusal.

    Raises:
      DataError: an id that is none.

    >>> asked_for("ann", IdColumn("user"), "users"), asked_for([3, 4.0], IdColumn("user"), "users")
    (['ann'], ['3', '4'])
    """
    if is_frame(ids):
        return _of_frame(to_arrow(ids, what), column.name, what)
    if isinstance(ids, Mapping):
        raise DataError(f"{what}: a dictionary; give a list of ids")
    one = not isinstance(ids, Iterable) or getattr(ids, "ndim", None) == 0
    if one or isinstance(ids, str | bytes) or hasattr(ids, "as_py"):
        return [as_text(ids)]
    values = ids.to_pylist() if hasattr(ids, "to_pylist") else ids
    return [as_text(value) for value in values]


def pairs_of_frame(pairs: Any, users: IdColumn, items: IdColumn) -> list[tuple[str, str]]:
    """(user, item) texts of a frame with both columns, or of tuples.

    Raises:
      DataError: a column is missing, or a pair is none.
    """
    if is_frame(pairs):
        table = to_arrow(pairs, "pairs")
        both = (_of_frame(table, column.name, "pairs") for column in (users, items))
        return list(zip(*both, strict=True))
    try:
        given = [pair_of(pair) for pair in ([pairs] if isinstance(pairs, Mapping) else pairs)]
    except (TypeError, DataError) as error:
        raise DataError("pairs: give (user, item) tuples, or a frame with both columns") from error
    return [(as_text(user), as_text(item)) for user, item in given]


def refuse_other_options(options: Iterable[str]) -> None:
    """Passes if all are options of `recommend`.

    Raises:
      ConfigError: one is none; the closest name is given.
    """
    for name in options:
        if name not in _OPTIONS:
            near = closest(name, _OPTIONS)
            raise ConfigError(f"recommend has no option {name}{near or '; it has ' + _SHOWN}")


def column_of(table: Any, name: str) -> str:
    """The column of a table for ids that are called so.

    A model of a command calls them "user" and "item"; then any common name of these will do.
    """
    names = table.column_names
    if name in names or name not in ("user", "item"):
        return name
    return TableColumns().find(name, names) or name


def _of_frame(table: Any, name: str, what: str) -> list[str]:
    name = column_of(table, name)
    if name not in table.column_names:
        raise DataError(f"{what}: no column {name!r}; it has {', '.join(table.column_names)}")
    texts = ids_as_text(table[name], f"{what}, column {name!r}")[0].to_pylist()
    if None in texts:
        raise DataError(f"{what}, row {texts.index(None) + 1}: the id in {name!r} is missing")
    return texts
