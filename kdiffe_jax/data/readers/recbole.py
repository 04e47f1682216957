"""The atomic files of RecBole: tab-separated tables whose header is `name:type ...`.

<name>.inter                   user_id, item_id [, rating, timestamp]; or, already split,
                               <name>.train.inter, <name>.valid.inter and <name>.test.inter
[<name>.item]                  item_id and text columns
[<name>.kg and <name>.link]    head_id, relation_id, tail_id; item_id, entity_id
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.columns import Column, Numbering, Table, open_table, read_columns
from kdiffe_jax.data.readers.inter import columns_by_role, find_inter, growing_integers
from kdiffe_jax.data.readers.lines import source_directory
from kdiffe_jax.data.readers.shared_ids import relations_of_nodes
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import DataError

FILES = "<name>.inter, and where there are any <name>.item, <name>.kg with <name>.link"
TYPES = ("token", "token_seq", "float", "float_seq")
_BENCHMARK = ("train", "valid", "test")


def read_recbole(path: str | Path, *, name: str) -> Catalogue:
    """Reads the directory; benchmark files give the split, else there is none.

    Items are numbered as they first occur in the interactions, then in `.item`. Every other
    column of `.item` becomes a text column. A head or tail that `.link` makes an item is that
    item; see `relations_of_nodes`.

    Args:
      path: the directory.
      name: the data set's name, and of its files unless only one `.inter` file is there.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    source = _Source(source_directory(path), name)
    interactions = _interactions(source)
    columns = _item_columns(source)
    relations = _relations(source)
    if source.file("user").exists():
        source.notes.append(f"{source.file('user').name} is not read")
    return Catalogue(
        name=name,
        user_ids=source.users.names,
        item_ids=source.items.names,
        interactions=interactions,
        relations=relations,
        columns=columns,
        item_names=_titles(columns, source.items.names),
        notes=tuple(source.notes),
        files=tuple(source.files),
        numbered=False,
    )


class _Source:
    """A directory being read: the numbering of users and items, notes and files so far."""

    def __init__(self, path: Path, name: str):
        self.path = path
        self.split = (path / f"{name}.train.inter").exists()
        self.stem = name if self.split else find_inter(path, name).stem
        if self.stem.endswith(".train"):
            self.stem, self.split = self.stem.removesuffix(".train"), True
        self.users, self.items = Numbering(), Numbering()
        self.notes: list[str] = []
        self.files: list[str] = []

    def file(self, suffix: str) -> Path:
        return self.path / f"{self.stem}.{suffix}"

    def open(self, suffix: str) -> tuple[Table, dict[str, str]]:
        """A table, and the name without type -> the whole name of its columns."""
        table = open_table(self.file(suffix))
        names = {}
        for column in table.header:
            name, _, kind = column.partition(":")
            if not name or kind not in TYPES:
                raise DataError(
                    f"{table.file}, line 1: column {column[:60]!r}: expected name:type with one "
                    f"of the types {', '.join(TYPES)}"
                )
            if name in names:
                raise DataError(f"{table.file}, line 1: two columns are called {name}; keep one")
            names[name] = column
        self.files.append(table.file.name)
        return table, names


def _interactions(source: _Source) -> Interactions:
    suffixes = [f"{split}.inter" for split in _BENCHMARK] if source.split else ["inter"]
    parts = [_inter_columns(source, suffix) for suffix in suffixes]
    for suffix, part in zip(suffixes, parts, strict=True):
        if part.keys() != parts[0].keys():
            raise DataError(
                f"{source.file(suffix)}: has {', '.join(part)}, but "
                f"{source.file(suffixes[0]).name} has {', '.join(parts[0])}; give all the same"
            )
    columns = {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}
    if not len(columns["user"]):
        raise DataError(f"{source.file(suffixes[0])}: no interaction follows the header")
    if source.split and source.file("inter").exists():
        source.notes.append(f"{source.file('inter').name} is not read: the files of its split are")
    ratings, times = columns.get("rating"), columns.get("time")
    if times is not None:
        times, note = growing_integers(times)
        source.notes.extend([note] if note else [])
    sizes = [len(part["user"]) for part in parts]
    return Interactions(
        users=columns["user"],
        items=columns["item"],
        ratings=None if ratings is None or np.isnan(ratings).all() else ratings,
        times=times,
        split=np.repeat(np.arange(3, dtype=np.int8), sizes) if source.split else None,
    )


def _inter_columns(source: _Source, suffix: str) -> dict[str, np.ndarray]:
    table, names = source.open(suffix)
    convert = {
        "user": source.users.number,
        "item": source.items.number,
        "rating": Column.ratings,
        "time": Column.times,
    }
    roles = columns_by_role(table.file, table.header, tuple(names), tuple(convert))
    arrays = read_columns(table, {column: convert[role] for role, column in roles.items()})
    unused = [name for name, column in names.items() if column not in roles.values()]
    note = f"columns of the interactions that are not used: {', '.join(unused)}"
    if unused and note not in source.notes:
        source.notes.append(note)
    return {role: arrays[column] for role, column in roles.items()}


def _item_columns(source: _Source) -> dict[str, tuple[str, ...]]:
    """Text columns in the order of the items; an item's first line counts."""
    if not source.file("item").exists():
        return {}
    table, names = source.open("item")
    item = columns_by_role(table.file, table.header, tuple(names), ("item",))["item"]
    rows, texts = [], {name: [] for name, column in names.items() if column != item}
    for chunk in table.chunks:
        rows.append(source.items.number(chunk[item]))
        for name, column in texts.items():
            column.extend(chunk[names[name]].texts)
    items, first = np.unique(np.concatenate(rows), return_index=True)
    repeated = sum(map(len, rows)) - len(items)
    if repeated:
        source.notes.append(
            f"{table.file.name}: {repeated} lines name an item again; the first line counts"
        )
    row_of_item = np.full(len(source.items.names), -1)
    row_of_item[items] = first
    return {
        name: tuple("" if row < 0 else column[row] for row in row_of_item.tolist())
        for name, column in texts.items()
    }


def _titles(columns: dict[str, tuple[str, ...]], item_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The title of each item in one line, its id where that is empty; () without such a column."""
    for name, texts in columns.items():
        if name in ("name", "item_name") or name.split("_")[-1] == "title":
            titles = (" ".join(text.split()) for text in texts)
            return tuple(title or id_ for title, id_ in zip(titles, item_ids, strict=True))
    return ()


def _relations(source: _Source) -> tuple[Relation, ...]:
    kg, link = source.file("kg"), source.file("link")
    if not (kg.exists() and link.exists()):
        lonely = next((file for file in (kg, link) if file.exists()), None)
        if lonely is not None:
            other = link if lonely == kg else kg
            source.notes.append(f"{lonely.name} is not read: {other.name} is missing")
        return ()
    entities, relations = Numbering(), Numbering()
    table, names = source.open("kg")
    triples = _columns_of(
        table,
        names,
        head_id=entities.number,
        relation_id=relations.number,
        tail_id=entities.number,
    )
    table, names = source.open("link")
    links = _columns_of(
        table,
        names,
        entity_id=entities.number,
        item_id=lambda column: source.items.known(column.tokens()),
    )
    known = links[:, 1] >= 0
    if not known.all():
        source.notes.append(
            f"{link.name}: {int((~known).sum())} items occur nowhere else and were left out"
        )
    found, notes = relations_of_nodes(triples, links[known], relations.names, entities.names)
    source.notes.extend(f"{kg.name}: {note}" for note in notes)
    return found


def _columns_of(table: Table, names: dict[str, str], **converters) -> np.ndarray:
    """Named columns side by side, int32[n, number of columns]."""
    for name in converters:
        if name not in names:
            raise DataError(
                f"{table.file}, line 1: no column {name}; found {' '.join(table.header)[:60]!r}"
            )
    arrays = read_columns(table, {names[name]: convert for name, convert in converters.items()})
    return np.column_stack([arrays[names[name]] for name in converters])
