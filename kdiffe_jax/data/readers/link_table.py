"""Tables of links: item-entity triples, and neighbours of items."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.tables.columns import COMMON, plain
from kdiffe_jax.data.tables.delimited import Progress, Table, open_table
from kdiffe_jax.data.tables.ids import GrowingIds, collision_note, known_positions, unknown_note
from kdiffe_jax.data.tables.values import numbers
from kdiffe_jax.errors import DataError

# Role -> what headers call it, without case, blanks, `_` and `-`.
_HEADERS = {
    "item": (*COMMON["item"], "head", "headid"),
    "relation": ("relation", "relationid", "relationname"),
    "entity": ("entity", "entityid", "tail", "tailid", "value"),
    "neighbour": ("neighbour", "neighbor", "neighbourid", "neighborid", "tail", "other"),
    "weight": ("weight", "similarity", "cosine", "score"),
}


class Links(NamedTuple):
    """A table of links.

    Attributes:
      path: the file.
      codes: role -> int32[n], indices into `names`.
      names: role -> the distinct texts.
      weights: float32[n], or None.
      ignored: columns that have no role.
    """

    path: Path
    codes: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    weights: np.ndarray | None
    ignored: tuple[str, ...]


def read_links(
    path: str | Path,
    roles: Sequence[str],
    progress: Progress | None = None,
    *,
    opened: Callable[[Path], Table] | None = None,
) -> Links:
    """Reads a table whose columns are the roles in order, then perhaps a weight.

    A header that names all roles may give them in any order, among other columns;
    a table without one has just these columns.

    Args:
      roles: such as ("item", "relation", "entity").
      progress: receives (rows done, bytes done, bytes in all).
      opened: opens the table; by default `open_table`.

    Raises:
      DataError: other columns, an empty field, a weight that is no finite number.
    """
    opened = opened or partial(
        open_table, is_header=lambda names: len(_by_header(names, roles)) >= len(roles)
    )
    table = opened(Path(path))
    columns = _columns(table, roles)
    ids = {role: GrowingIds(role) for role in roles}
    weights: list[np.ndarray] = []
    for part in table.parts(list(columns.values())):
        for role in roles:
            ids[role].add(part.columns[columns[role]], part.place)
        if "weight" in columns:
            weights.append(_weights(part.columns[columns["weight"]], part.place, roles))
        part.report(progress)
    finished = {role: growing.finish() for role, growing in ids.items()}
    return Links(
        table.path,
        {role: codes for role, (codes, _) in finished.items()},
        {role: names for role, (_, names) in finished.items()},
        np.concatenate(weights) if weights else None,
        tuple(name for name in table.names if name and name not in columns.values()),
    )


def add_triples(
    catalogue: Catalogue,
    path: str | Path,
    relation: str = "",
    progress: Progress | None = None,
    *,
    opened: Callable[[Path], Table] | None = None,
) -> Catalogue:
    """The catalogue with a table of `item, relation, entity` or, of one relation, `item, entity`.

    Args:
      catalogue: any; triples of items it lacks are dropped, and a note counts them.
      path: the table, perhaps with a column of weights; see `read_links`.
      relation: name of the only relation; empty where a column says it.
      opened: opens the table; by default `open_table`.

    Raises:
      DataError: a malformed table, or one without any known item.
    """
    roles = ("item", "entity") if relation else ("item", "relation", "entity")
    links = read_links(path, roles, progress, opened=opened)
    if relation and any(plain(name) in _HEADERS["relation"] for name in links.ignored):
        raise DataError(
            f"{path}: it has a column of relations; give no relation name, or remove the column"
        )
    items, keep, notes = _known_items(links, "item", catalogue.item_ids)
    names = (relation,) if relation else links.names["relation"]
    codes = np.zeros(len(items), np.int32) if relation else links.codes["relation"]
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
    return _joined(catalogue, links, relations, notes)


def add_neighbours(
    catalogue: Catalogue, path: str | Path, relation: str, progress: Progress | None = None
) -> Catalogue:
    """The catalogue with a table of `item, neighbour[, weight]` as a relation between items.

    Args:
      catalogue: any; links from or to items it lacks, and of items with themselves, are
        dropped, and notes count them.

    Raises:
      DataError: a malformed table, or one without any known item or neighbour.
    """
    links = read_links(path, ("item", "neighbour"), progress)
    items, keep, notes = _known_items(links, "item", catalogue.item_ids)
    others, keep_others, more = _known_items(links, "neighbour", catalogue.item_ids)
    selves = keep & (items == others)
    if selves.any():
        notes.append(f"{links.path.name}: {selves.sum()} links of items with themselves dropped")
    near = Relation(relation, items, others, weights=links.weights, space=ITEMS)
    near = near.take(keep & keep_others & ~selves)
    return _joined(catalogue, links, [near], notes + more)


def _by_header(names: Sequence[str], roles: Sequence[str]) -> dict[str, str]:
    """Role -> column, for the roles that a header names; the weight only if all are."""
    found: dict[str, str] = {}
    for role in (*roles, "weight"):
        free = [name for name in names if name not in found.values()]
        match = [name for alias in _HEADERS[role] for name in free if plain(name) == alias]
        if match and (role != "weight" or len(found) == len(roles)):
            found[role] = match[0]
    return found


def _columns(table: Table, roles: Sequence[str]) -> dict[str, str]:
    found = _by_header(table.names, roles)
    if len(found) >= len(roles):
        return found
    if len(table.names) not in (len(roles), len(roles) + 1):
        raise DataError(
            f"{table.path}: {len(table.names)} columns, expected {', '.join(roles)} and perhaps "
            "weight; or name them so in a header"
        )
    return dict(zip((*roles, "weight"), table.names, strict=False))


def _weights(values, place, roles: Sequence[str]) -> np.ndarray:
    remedy = f"columns are {', '.join(roles)}, weight, and a header names them so; mend it"
    weights = numbers(values, place, "weight", remedy)
    missing = np.isnan(weights)
    if missing.any():
        raise DataError(f"{place(int(np.argmax(missing)))}: the weight is missing; fill it in")
    return weights


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
    note = unknown_note(links.path, names, found, role)
    return items, keep, [f"{note} ({(~keep).sum()} rows)"] if note else []


def _compact(relation: Relation) -> Relation:
    """Only the entities in use."""
    used, entities = np.unique(relation.entities, return_inverse=True)
    names = tuple(relation.entity_names[entity] for entity in used.tolist())
    return dataclasses.replace(relation, entities=entities.astype(np.int32), entity_names=names)


def _joined(
    catalogue: Catalogue, links: Links, relations: Sequence[Relation], notes: Sequence[str]
) -> Catalogue:
    if links.ignored:
        notes = [f"{links.path.name}: ignored columns {', '.join(links.ignored)[:200]}", *notes]
    return catalogue.extended(relations=relations, notes=notes, files=[links.path.name])
