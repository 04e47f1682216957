"""Attributes: values that a source names, such as brands and category paths, as entities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import ConfigError

_STEP = " > "


def attribute_relation(name: str, texts: Sequence[str]) -> Relation:
    """An item's entity is its value, with single blanks between its words.

    Args:
      texts: one an item, "" where it has none. Upper and lower case stay apart.

    Returns:
      The relation, entities in the order of the alphabet.

    >>> brand = attribute_relation("brand", ["Philips ", "", "Graco", "Philips"])
    >>> brand.items.tolist(), [brand.entity_names[e] for e in brand.entities]
    ([0, 2, 3], ['Philips', 'Graco', 'Philips'])
    """
    return _relation(name, len(texts), ((text,) for text in texts))


def list_relation(name: str, texts: Sequence[str], separator: str) -> Relation:
    """An item's entities are the values of its list; an empty or repeated value counts not.

    Args:
      texts: one list an item, "" where it has none.
      separator: stands between values; not empty.

    Raises:
      ConfigError: an empty separator.

    >>> colour = list_relation("colour", ["red|blue", "", "blue||red |blue"], "|")
    >>> [colour.entity_names[e] for e in colour.entities[colour.items == 2]]
    ['blue', 'red']
    """
    _check_separator(name, separator)
    return _relation(name, len(texts), (text.split(separator) for text in texts))


def path_relation(
    name: str, texts: Sequence[str], list_separator: str, path_separator: str
) -> Relation:
    """An item's entities are all levels of its category paths, named from the root.

    Levels that all items with a path share tell nothing and are dropped; the names of
    the levels below still begin with them.

    Args:
      texts: the paths of each item, "" where it has none.
      list_separator: stands between the paths of an item; empty where it has one.
      path_separator: stands between the levels of a path, the root first; not empty.

    Raises:
      ConfigError: an empty path separator, or two equal ones.

    >>> kind = path_relation("kind", ["Baby/Feeding/Bottles", "Baby/Toys"], "", "/")
    >>> kind.entity_names
    ('Baby > Feeding', 'Baby > Feeding > Bottles', 'Baby > Toys')
    """
    _check_separator(name, path_separator)
    if list_separator == path_separator:
        raise ConfigError(f"{name}: {path_separator!r} separates both paths and levels; use two")
    levels = (_levels(text, list_separator, path_separator) for text in texts)
    return _without_shared(_relation(name, len(texts), levels))


def _check_separator(name: str, separator: str) -> None:
    if not separator:
        raise ConfigError(f"{name}: an empty separator divides nothing; name one, such as |")


def _levels(text: str, list_separator: str, path_separator: str) -> Iterator[str]:
    for path in text.split(list_separator) if list_separator else [text]:
        steps = [step for step in map(_tidy, path.split(path_separator)) if step]
        yield from (_STEP.join(steps[: depth + 1]) for depth in range(len(steps)))


def _tidy(value: str) -> str:
    return " ".join(value.split())


def _relation(name: str, n_items: int, values: Iterable[Iterable[str]]) -> Relation:
    links = [
        (item, value)
        for item, of_item in enumerate(values)
        for value in sorted({_tidy(value) for value in of_item} - {""})
    ]
    names = sorted({value for _, value in links})
    numbers = {value: number for number, value in enumerate(names)}
    covered = len({item for item, _ in links})
    return Relation(
        name,
        np.array([item for item, _ in links], np.int32),
        np.array([numbers[value] for _, value in links], np.int32),
        tuple(names),
        note=f"{name}: {len(names)} values, {covered} of {n_items} items have one",
    )


def _without_shared(relation: Relation) -> Relation:
    frequency = np.bincount(relation.entities, minlength=len(relation.entity_names))
    covered = len(np.unique(relation.items))
    shared = (frequency == covered) & (covered > 1)
    if not shared.any():
        return relation
    named = list(zip(relation.entity_names, shared.tolist(), strict=True))
    shared_names = ", ".join(name for name, gone in named if gone)
    new_ids = np.cumsum(~shared, dtype=np.int32) - 1
    kept = relation.take(~shared[relation.entities])
    return dataclasses.replace(
        kept,
        entities=new_ids[kept.entities],
        entity_names=tuple(name for name, gone in named if not gone),
        note=f"{relation.note}; dropped as shared by all of them: {shared_names}",
    )
