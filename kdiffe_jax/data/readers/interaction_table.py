"""Tables of interactions: who had to do with what, how they rated it, when, in which split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.tables.columns import COMMON, NONE, TableColumns, names_in, plain
from kdiffe_jax.data.tables.delimited import Part, Progress, Table, open_table
from kdiffe_jax.data.tables.ids import GrowingIds
from kdiffe_jax.data.tables.in_memory import TableInMemory
from kdiffe_jax.data.tables.missing import without_missing
from kdiffe_jax.data.tables.near_twins import collision_note
from kdiffe_jax.data.tables.times import Times
from kdiffe_jax.data.tables.values import numbers, splits
from kdiffe_jax.errors import ConfigError, DataError, listed

_TOLD = ("rating", "time", "split")
_ROLES = ("user", "item", *_TOLD)
_RATING_REMEDY = "mend it, leave it empty, or ignore ratings with --rating_column=none"


def read_interactions(
    paths: Sequence[Path],
    columns: TableColumns,
    *,
    name: str,
    progress: Progress | None = None,
    opened: Callable[[Path], Table] | None = None,
    parts: Sequence[int] = (),
) -> Catalogue:
    """Reads one table of interactions, or several that are parts of one.

    Args:
      paths: the tables in order, with headers; all need the same kinds of columns.
      columns: which columns hold what.
      progress: receives (rows done, bytes done, bytes in all).
      opened: opens a table; by default `open_table`.
      parts: where the tables are a split, what each is: 0 train, 1 valid, 2 test.

    Returns:
      A catalogue of users and items in the order in which they first come.

    Raises:
      DataError: no interactions, no column of users or items, a malformed row.
      ConfigError: a column of splits, and the tables are the splits.
    """
    opened = opened or partial(
        open_table,
        is_header=lambda names: not columns.by_number,
        separator=columns.field_separator,
        quote=columns.quote,
    )
    if parts and columns.split_column not in ("", NONE):
        raise ConfigError(
            f"--split_column={columns.split_column} has no effect: "
            f"{', '.join(path.name for path in paths)} are the split; leave it out"
        )
    found = [_columns_in(opened(path), columns) for path in paths]
    rows = _Rows(columns.missing_words)
    sizes = [path.stat().st_size if progress else 0 for path in paths]
    total, done = sum(sizes), 0
    for number, (path, (table, roles)) in enumerate(zip(paths, found, strict=True)):
        if roles.keys() != found[0][1].keys():
            raise DataError(
                f"{path}: has columns of {', '.join(roles)}, but {paths[0].name} of "
                f"{', '.join(found[0][1])}; all parts need the same"
            )
        for part in table.parts(list(roles.values())):
            if part.first_row == 1 and table.delimiter:
                _refuse_header(part, roles)
            rows.add(part, roles, parts[number] if parts else None)
            if progress:
                progress(rows.number, done + part.bytes_done, total)
        done += sizes[number]
    if not rows.number:
        raise DataError(f"{paths[0]}: it has no row; at least one interaction is needed")
    table, roles = found[0]
    catalogue = rows.catalogue(name, paths, _roles_note(table, roles))
    if table.delimiter and table.first_row == 1:
        _refuse_words_above_numbers(catalogue, table.path)
    return catalogue


class _Rows:
    """The rows read so far, each column in the type it is kept in."""

    def __init__(self, missing: frozenset[str]):
        self.number = 0
        self._missing = missing
        self._users, self._items = GrowingIds("user", missing), GrowingIds("item", missing)
        self._ratings: list[np.ndarray] = []
        self._splits: list[np.ndarray] = []
        self._times = Times()

    def add(self, part: Part, roles: dict[str, str], split: int | None) -> None:
        values = {role: part.columns[column] for role, column in roles.items()}
        told = {r: without_missing(v, self._missing) for r, v in values.items() if r in _TOLD}
        self._users.add(values["user"], part.place)
        self._items.add(values["item"], part.place)
        if "rating" in told:
            ratings = numbers(told["rating"], part.place, "rating", _RATING_REMEDY)
            self._ratings.append(ratings)
        if "time" in told:
            self._times.add(told["time"], part.place)
        if split is not None:
            self._splits.append(np.full(len(part), split, np.int8))
        elif "split" in told:
            self._splits.append(splits(told["split"], part.place))
        self.number += len(part)

    def catalogue(self, name: str, paths: Sequence[Path], note: str) -> Catalogue:
        notes = [note]
        ratings = np.concatenate(self._ratings) if self._ratings else None
        if ratings is not None and (unrated := int(np.isnan(ratings).sum())):
            ratings = None if unrated == self.number else ratings
            notes.append(f"{unrated} of {self.number} interactions have no rating")
        users, user_ids = self._users.finish()
        items, item_ids = self._items.finish()
        times = self._times.finish()
        notes += [self._times.note()]
        notes += [collision_note("users", user_ids), collision_note("items", item_ids)]
        return Catalogue(
            name=name,
            numbered=False,
            user_ids=user_ids,
            item_ids=item_ids,
            interactions=Interactions(
                users,
                items,
                ratings,
                times,
                np.concatenate(self._splits) if self._splits else None,
                self._times.scale,
            ),
            notes=tuple(filter(None, notes)),
            files=tuple(path.name for path in paths),
        )


def _or_else(table: Table) -> str:
    """What else may be wrong where a table has no column of ids."""
    if isinstance(table, TableInMemory):
        return "; an index of pandas is no column, but reset_index() makes it some"
    alone = "; if that is several columns, set --separator" if len(table.names) == 1 else ""
    return f", or number the columns from 0 if there is no header{alone}"


def _columns_in(table: Table, columns: TableColumns) -> tuple[Table, dict[str, str]]:
    """The table, and the column of each role that it has."""
    found = {role: columns.find(role, table.names) for role in _ROLES}
    roles = {role: column for role, column in found.items() if column}
    for role in ("user", "item"):
        if role not in roles:
            if not table.names:
                raise DataError(f"{table.path}: has no columns; an index is none")
            raise DataError(
                f"{table.path}: no column of {role} ids; name one of "
                f"{listed(table.names)} by --{role}_column{_or_else(table)}"
            )
    table.check_columns(list(roles.values()))
    by_column: dict[str, str] = {}
    for role, column in roles.items():
        alike = [name for name in table.names if plain(name) == plain(column)]
        if len(alike) > 1 and column not in names_in(getattr(columns, f"{role}_column")):
            raise DataError(
                f"{table.path}: {alike[0][:60]} and {alike[1][:60]} both name the {role}; set "
                f"--{role}_column"
            )
        other = by_column.setdefault(column, role)
        if other != role:
            raise DataError(
                f"{table.path}: column {column[:60]!r} cannot be both {other} and {role}; set "
                f"--{role}_column"
            )
    return table, roles


def _refuse_header(part: Part, roles: dict[str, str]) -> None:
    """Refuses a first row of common names where columns are numbered, as without a header."""
    first = {role: part.columns[roles[role]][0].as_py() or "" for role in ("user", "item")}
    if any(plain(name) in COMMON[role] for role, name in first.items()):
        raise _is_header(part.path, first["user"], first["item"])


def _refuse_words_above_numbers(catalogue: Catalogue, path: Path) -> None:
    """The same for a first row of any words above ids that are all whole numbers."""
    ids = catalogue.user_ids, catalogue.item_ids
    if all(len(names) > 1 and not names[0].strip().isdecimal() for names in ids) and all(
        name.strip().isdecimal() for names in ids for name in names[1:]
    ):
        raise _is_header(path, ids[0][0], ids[1][0])


def _is_header(path: Path, user: str, item: str) -> DataError:
    return DataError(
        f"{path}, row 1: {user[:60]!r} and {item[:60]!r} look like a header, but columns by number "
        f"say that there is none; name them: --user_column={user[:60]} --item_column={item[:60]}"
    )


def _roles_note(table: Table, roles: dict[str, str]) -> str:
    taken = ", ".join(f"{role} = {column}" for role, column in roles.items())
    ignored = [name for name in table.names if name and name not in roles.values()]
    rest = f"; ignored {listed(ignored, 200)}" if ignored else ""
    return f"{table.path.name}: columns {taken}{rest}"
