"""Tables of links: item-entity triples, and neighbours of items."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.links import HEADERS, Links, read_links
from kdiffe_jax.data.readers.shared_ids import relations_by_name
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.tables.columns import TableColumns, plain
from kdiffe_jax.data.tables.delimited import Progress, Table
from kdiffe_jax.data.tables.ids import known_positions, positions, unknown_note
from kdiffe_jax.data.tables.near_twins import collision_note
from kdiffe_jax.errors import DataError, listed


def add_triples(
    catalogue: Catalogue,
    path: str | Path,
    relation: str = "",
    progress: Progress | None = None,
    *,
    opened: Callable[[Path], Table] | None = None,
    columns: TableColumns | None = None,
    shared_ids: bool = False,
) -> Catalogue:
    """The catalogue with a table of `item, relation, entity` or, of one relation, `item, entity`.

    Args:
      catalogue: any; triples of items it lacks are dropped, and a note counts them.
      path: the table, perhaps with a column of weights; see `read_links`.
      relation: name of the only relation; empty where a column says it.
      opened: opens the table; by default `open_table`.
      columns: how tables are written; see `read_links`.
      shared_ids: whether heads and entities that are called as items are these items, see
        `relations_of_nodes`; else heads are items and entities never, and a note counts those
        that are called so.

    Raises:
      DataError: a malformed table, or one without any known item.
    """
    roles = ("item", "entity") if relation else ("item", "relation", "entity")
    links = read_links(path, roles, progress, opened=opened, columns=columns)
    if relation and any(plain(name) in HEADERS["relation"] for name in links.ignored):
        raise DataError(
            f"{path}: it has a column of relations; give no relation name, or remove the column"
        )
    names = (relation,) if relation else links.names["relation"]
    codes = np.zeros(links.n, np.int32) if relation else links.codes["relation"]
    if shared_ids:
        return _by_name(catalogue, links, codes, names)
    items, keep, notes = _known_items(links, "item", catalogue.item_ids)
    whole = Relation("", items, links.codes["entity"], links.names["entity"], links.weights)
    kept = np.flatnonzero(keep)
    kept = kept[np.argsort(codes[kept], kind="stable")]
    ends = np.cumsum(np.bincount(codes[kept], minlength=len(names)))[:-1]
    relations = [
        dataclasses.replace(_compact(whole.take(rows)), name=name)
        for name, rows in zip(names, np.split(kept, ends), strict=True)
        if len(rows)
    ]
    notes.append(collision_note(f"entities of {links.path.name}", links.names["entity"]))
    as_items = positions(links.names["entity"], catalogue.item_ids)[links.codes["entity"]] >= 0
    if as_items.any():
        notes.append(
            f"{links.path.name}: in {as_items.sum():,} of {links.n:,} triples the entity is called "
            "as an item is, and they stay apart; if they are one, --kg_ids=shared makes them so"
        )
    return _joined(catalogue, links, relations, notes)


def add_neighbours(
    catalogue: Catalogue,
    path: str | Path,
    relation: str,
    progress: Progress | None = None,
    *,
    columns: TableColumns | None = None,
) -> Catalogue:
    """The catalogue with a table of `item, neighbour[, weight]` as a relation between items.

    Args:
      catalogue: any; links from or to items it lacks, and of items with themselves, are
        dropped, and notes count them.

    Raises:
      DataError: a malformed table, or one without any known item or neighbour.
    """
    links = read_links(path, ("item", "neighbour"), progress, columns=columns)
    items, keep, notes = _known_items(links, "item", catalogue.item_ids)
    others, keep_others, more = _known_items(links, "neighbour", catalogue.item_ids)
    selves = keep & (items == others)
    if selves.any():
        notes.append(f"{links.path.name}: {selves.sum()} links of items with themselves dropped")
    near = Relation(relation, items, others, weights=links.weights, space=ITEMS)
    near = near.take(keep & keep_others & ~selves)
    return _joined(catalogue, links, [near], notes + more)


def _known_items(
    links: Links, role: str, item_ids: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """int32[n] items of a role (-1 unknown), bool[n] which are known, and a note on the others."""
    names = links.names[role]
    if not names:
        raise DataError(f"{links.path}: it has no row; fill it or leave it out")
    found = known_positions(names, item_ids, links.path, role)
    items = found[links.codes[role]]
    keep = items >= 0
    note = unknown_note(links.path, names, found, role, known=item_ids)
    return items, keep, [f"{note} ({(~keep).sum()} rows)"] if note else []


def _by_name(
    catalogue: Catalogue, links: Links, codes: np.ndarray, relation_names: Sequence[str]
) -> Catalogue:
    """The catalogue with links whose ends are items where they are called so."""
    if not links.n:
        raise DataError(f"{links.path}: it has no row; fill it or leave it out")
    triples = np.stack([links.codes["item"], codes, links.codes["entity"]], axis=1)
    names = links.names["item"], relation_names, links.names["entity"]
    relations, notes = relations_by_name(triples, names, catalogue.item_ids, links.path)
    if links.weights is not None:
        notes = (f"{links.path.name}: weights are not used with --kg_ids=shared", *notes)
    return _joined(catalogue, links, relations, notes)


def _compact(relation: Relation) -> Relation:
    """Only the entities in use."""
    used, entities = np.unique(relation.entities, return_inverse=True)
    names = tuple(relation.entity_names[entity] for entity in used.tolist())
    return dataclasses.replace(relation, entities=entities.astype(np.int32), entity_names=names)


def _joined(
    catalogue: Catalogue, links: Links, relations: Sequence[Relation], notes: Sequence[str]
) -> Catalogue:
    if links.ignored:
        notes = [f"{links.path.name}: ignored columns {listed(links.ignored, 200)}", *notes]
    if links.without_entity:
        notes = [
            *notes,
            f"{links.path.name}: {links.without_entity:,} links to a word for a missing value, as "
            "--missing has them, left out",
        ]
    return catalogue.extended(relations=relations, notes=notes, files=[links.path.name])
