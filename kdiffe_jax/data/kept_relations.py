"""The relations that content gives, filtered: what is kept of each, one account a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.content.filters import filter_entities
from kdiffe_jax.data.diagnosis.reports import ALMOST_ALL
from kdiffe_jax.data.knowledge import is_degenerate
from kdiffe_jax.data.relation import Relation, united
from kdiffe_jax.data.settings import FilterSettings
from kdiffe_jax.errors import ConfigError

_SHARED = "names"


class _Part(NamedTuple):
    """What became of the links of one name, or of those to items or to other entities."""

    given: Relation
    kept: Relation | None = None
    gone: str = ""  #: what is the matter where nothing is kept


def kept_relations(
    relations: Iterable[Relation],
    limits: FilterSettings,
    filters: Mapping[str, FilterSettings | None],
    n_items: int,
    *,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[list[Relation], list[str]]:
    """The relations after the filters, without those that tell no item from another.

    Args:
      relations: in any order; those of one name are one (`united`), so that limits count all.
      limits: of all that `filters` does not name.
      filters: relation -> its limits, None drops it.
      n_items: J.
      log: receives a line when a name comes first.

    Returns:
      What is kept, in the order given, and what to say, once a name.

    Raises:
      ConfigError: `filters` names a relation that there is not.
    """
    parts: dict[str, list[_Part]] = {}
    kept = []
    for relation in united(_told(relations, log)):
        name = relation.name
        own = filters.get(name, limits)
        part = _Part(relation) if own is None else _filtered(relation, own, n_items)
        parts.setdefault(name, []).append(part)
        kept += [part.kept] if part.kept else []
    for name in filters.keys() - parts.keys():
        there = ", ".join(parts) or "none"
        raise ConfigError(f"a filter for relation {name!r}: there is no such; there are {there}")
    notes = []
    for name, of_name in parts.items():
        dropped = filters.get(name, limits) is None
        notes += [f"relation {name!r} dropped, as asked for"] if dropped else _account(of_name)
    return kept, notes


def as_one_space(relations: Iterable[Relation], same_names: str) -> list[Relation]:
    """The relations, their entities of one name as `EntitySettings.same_names` has it.

    >>> maker = Relation("maker", np.array([0]), np.array([0]), ("Acme",))
    >>> [one.space for one in as_one_space([maker], "one")]
    ['names']
    """
    if same_names == "source":
        return list(relations)
    changes = {"space": _SHARED, "entity_keys": ()} if same_names == "one" else {"space": ""}
    return [r if r.links_items else dataclasses.replace(r, **changes) for r in relations]


def _told(relations: Iterable[Relation], log: Callable[[str], None]) -> Iterator[Relation]:
    names: set[str] = set()
    for relation in relations:
        if relation.name not in names:
            log(f"relation {relation.name}")
        names.add(relation.name)
        yield relation


def _filtered(relation: Relation, settings: FilterSettings, n_items: int) -> _Part:
    links = np.stack([relation.items, np.zeros_like(relation.items), relation.entities], axis=1)
    covered = len(np.unique(relation.items))
    if covered > ALMOST_ALL * n_items and is_degenerate(links, n_items):
        shared = f"is degenerate: all {covered} items that have it share the same entities"
        return _Part(relation, None, shared)
    left = filter_entities(relation, settings, n_items)
    if len(left.items):
        return _Part(relation, left)
    reason = f" ({left.note})" if left.note else ""
    return _Part(relation, None, f"has no triples left{reason}")


def _account(parts: list[_Part]) -> list[str]:
    """One line of the notes on all that is kept of a name, or a line each on what is not."""
    name = parts[0].given.name
    kept = [part.kept for part in parts if part.kept]
    if not kept:
        return [f"relation {name!r} {part.gone}; dropped" for part in parts]
    lines = [relation.note.removeprefix(f"{name}: ") for relation in kept if relation.note]
    for part in parts:
        if not part.kept:
            ends = "items" if part.given.links_items else "entities that are no items"
            left = sum(len(relation.items) for relation in kept)
            lines.append(f"its part with {ends} {part.gone}; triples left: {left:,}")
    return [f"{name}: {'; '.join(lines)}"] if lines else []
