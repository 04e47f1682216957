"""Entities by name: of new items, and the items that have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kdiffe_jax.data.closest_id import closest_id
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.saved_model import SavedModel


def entity_triples(model: SavedModel, entities: Mapping[str, Sequence]) -> np.ndarray:
    """int32[m, 3] of (place in `entities`, relation, entity), sorted and unique.

    Args:
      entities: id -> entities, each a name or (relation, name).

    Raises:
      DataError: a relation or entity that is not known, or a name that stands in several
        relations; an item without entities.
    """
    table = _by_name(model)
    rows = []
    for place, (item, given) in enumerate(entities.items()):
        if not len(given):
            raise DataError(f"new item {item!r}: needs at least one entity")
        rows += [(place, *_found(model, table, entity)) for entity in given]
    return np.unique(np.array(rows, np.int32).reshape(-1, 3), axis=0)


def items_with(model: SavedModel, entity, relation: str | None = None) -> np.ndarray:
    """i32[n]: the items that have an entity, ascending.

    Raises:
      DataError: no such relation or entity, or a name that stands in several relations.
    """
    asked = entity if relation is None else (relation, entity)
    found = _found(model, _by_name(model), asked)
    mine = (model.triples[:, 1:] == np.array(found)).all(axis=1)
    return np.unique(model.triples[mine, 0])


def _by_name(model: SavedModel) -> dict[str, list[tuple[int, int]]]:
    table: dict[str, list[tuple[int, int]]] = {}
    for relation, entity in np.unique(model.triples[:, 1:], axis=0).tolist():
        table.setdefault(model.entity_names[entity], []).append((relation, entity))
    return table


def _found(model: SavedModel, table, asked) -> tuple[int, int]:
    """(relation, entity) by a name, or by the names of both."""
    if isinstance(asked, str):
        relation, name = None, asked
    elif isinstance(asked, list | tuple) and len(asked) == 2:
        relation, name = asked
    else:
        raise DataError(f"entity {asked!r}: give a name, or (relation, name)")
    if relation is not None and relation not in model.relation_names:
        known = ", ".join(map(repr, model.relation_names))
        near = closest_id(str(relation), model.relation_names)
        raise DataError(f"no relation {relation!r}; there are {known}{near}")
    fitting = [
        (r, e)
        for r, e in table.get(name, ())
        if relation is None or model.relation_names[r] == relation
    ]
    if not fitting:
        some = ", ".join(map(repr, list(table)[:3]))
        known = f"entities are called {some}, ..." if some else "the model holds none"
        near = closest_id(str(name), list(table))
        raise DataError(f"no entity {name!r} with a triple; {known}{near}")
    if len(fitting) > 1:
        which = ", ".join(repr(model.relation_names[r]) for r, _ in fitting)
        raise DataError(f"entity {name!r} stands in {which}; give (relation, entity)")
    return fitting[0]
