"""The atomic files of RecBole: tab-separated tables whose header is `name:type ...`.

<name>.inter                   user_id, item_id [, rating, timestamp]; or, already split,
                               <name>.train.inter, <name>.valid.inter and <name>.test.inter
[<name>.item]                  item_id and text columns
[<name>.kg and <name>.link]    head_id, relation_id, tail_id; item_id, entity_id
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.readers.inter import stem_of_inter
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import join_items, read_item_table, with_new_items
from kdiffe_jax.data.readers.lines import source_directory
from kdiffe_jax.data.readers.links import read_links
from kdiffe_jax.data.readers.shared_ids import relations_of_nodes
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Table, open_table
from kdiffe_jax.data.tables.ids import known_positions, positions
from kdiffe_jax.errors import DataError

TYPES = ("token", "token_seq", "float", "float_seq")


def read_recbole(path: str | Path, *, name: str, columns: TableColumns | None = None) -> Catalogue:
    """Reads the directory; benchmark files give the split, else there is none.

    Items are numbered as they first occur in the interactions, then in `.item`. Every other
    column of `.item` becomes a text column. A head or tail that `.link` makes an item is that
    item; see `relations_of_nodes`.

    Args:
      name: the data set's name, and of its files unless all `.inter` files there share another.
      columns: what the columns are called; by default they are found by common names.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path, columns = source_directory(path), columns or TableColumns()
    stem = stem_of_inter(path, name, SPLITS)
    whole, item = path / f"{stem}.inter", path / f"{stem}.item"
    split = (path / f"{stem}.train.inter").exists() or not whole.exists()
    files = [path / f"{stem}.{part}.inter" for part in SPLITS] if split else [whole]
    catalogue = read_interactions(
        files, columns, name=name, opened=_open, parts=(0, 1, 2)[: 3 * split]
    )
    notes = []
    if split and whole.exists():
        notes.append(f"{whole.name} is not read: the files of its split are")
    if item.exists():
        table = read_item_table(item, columns, opened=_open, first_counts=True)
        if not columns.item_name_column.strip() and not table.names:
            titles = [column for column in table.columns if column.split("_")[-1] == "title"]
            table = table._replace(names="".join(titles[:1]))
        catalogue = join_items(with_new_items(catalogue, table), table)
    catalogue = _join_graph(catalogue, path / f"{stem}.kg", path / f"{stem}.link")
    return catalogue.extended(notes=notes)


def _open(file: Path, needed: tuple[str, ...] = ()) -> Table:
    """The table without the types in its header; with these columns."""
    table = open_table(file, quote="none")
    names = []
    for column in table.names:
        name, _, kind = column.partition(":")
        if not name or kind not in TYPES:
            raise DataError(
                f"{file}, row 1: column {column[:60]!r}: expected name:type with one of the types "
                f"{', '.join(TYPES)}"
            )
        names.append(name)
    table = dataclasses.replace(table, names=tuple(names))
    table.check_columns(needed or names)
    return table


def _join_graph(catalogue: Catalogue, kg: Path, link: Path) -> Catalogue:
    if not (kg.exists() and link.exists()):
        lonely, other = (kg, link) if kg.exists() else (link, kg)
        note = f"{lonely.name} is not read: {other.name} is missing"
        return catalogue.extended(notes=[note] if lonely.exists() else [])
    open_kg = partial(_open, needed=("head_id", "relation_id", "tail_id"))
    triples = read_links(kg, ("item", "relation", "entity"), opened=open_kg)
    open_link = partial(_open, needed=("item_id", "entity_id"))
    links = read_links(link, ("item", "entity"), opened=open_link)
    ends = triples.names["item"], triples.names["entity"], links.names["entity"]
    nodes = tuple(dict.fromkeys(name for names in ends for name in names))
    heads, tails, linked = (positions(names, nodes) for names in ends)
    items = known_positions(links.names["item"], catalogue.item_ids, link)[links.codes["item"]]
    codes = triples.codes
    found, notes = relations_of_nodes(
        np.stack([heads[codes["item"]], codes["relation"], tails[codes["entity"]]], axis=1),
        np.stack([linked[links.codes["entity"]], items], axis=1)[items >= 0],
        triples.names["relation"],
        nodes,
        kg,
    )
    unknown = int((items < 0).sum())
    left_out = f"{link.name}: {unknown} items occur nowhere else and were left out"
    lines = [left_out if unknown else "", *notes]
    return catalogue.extended(relations=found, notes=lines, files=[kg.name, link.name])
