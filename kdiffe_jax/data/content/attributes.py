"""Attributes: values that a source names, such as brands and category paths, as entities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from kdiffe_jax.data.content.list_texts import ListTexts, Values, read_lists, separator_hint
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import ConfigError

_STEP = " > "
_YES = frozenset(("1", "1.0", "true", "yes"))
_LIST_MARKS = ("|", ",", ";", "/", "\t")
_PATH_MARKS = (">", "/", "::", "\\")
_NO = frozenset(("0", "0.0", "false", "no"))


def attribute_relation(name: str, texts: Sequence[str]) -> Relation:
    """An item's entity is its value, with single blanks between its words.

    Of a column that says yes or no (1 and 0, true and false), only the items with a yes have
    an entity, which is called as the column. Lists written as text are read as lists.

    Args:
      texts: one an item, "" where it has none. Upper and lower case stay apart.

    Returns:
      The relation, entities in the order of the alphabet.

    >>> brand = attribute_relation("brand", ["Philips ", "", "Graco", "Philips"])
    >>> brand.items.tolist(), [brand.entity_names[e] for e in brand.entities]
    ([0, 2, 3], ['Philips', 'Graco', 'Philips'])
    """
    said = {text.strip().lower() for text in texts} - {""}
    if said & _YES and said <= _YES | _NO:
        return _flag(name, texts)
    lists = read_lists(texts)
    values = ([text] if given is None else _flat(given) for text, given in _both(texts, lists))
    return _noted(_relation(name, len(texts), values), lists.note if lists else "")


def list_relation(name: str, texts: Sequence[str], separator: str) -> Relation:
    """An item's entities are the values of its list; an empty or repeated value counts not.

    Args:
      texts: one list an item, "" where it has none; or lists written as text, such as
        "['red', 'blue']".
      separator: stands between values; not empty.

    Raises:
      ConfigError: an empty separator.

    >>> colour = list_relation("colour", ["red|blue", "", "blue||red |blue"], "|")
    >>> [colour.entity_names[e] for e in colour.entities[colour.items == 2]]
    ['blue', 'red']
    """
    _check_separator(name, separator)
    lists = read_lists(texts)
    values = (
        text.split(separator) if given is None else _flat(given)
        for text, given in _both(texts, lists)
    )
    hint = separator_hint(texts, separator, "list_separator", _LIST_MARKS)
    return _noted(_relation(name, len(texts), values), lists.note if lists else hint)


def path_relation(
    name: str, texts: Sequence[str], list_separator: str, path_separator: str
) -> Relation:
    """An item's entities are all levels of its category paths, named from the root.

    Levels that all items with a path share tell nothing and are dropped; the names of
    the levels below still begin with them. Of lists written as text, a list of lists is
    several paths; a list of texts is one path, or several where they hold the separator.

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
    lists = read_lists(texts)
    levels = (
        _levels(_divided(text, list_separator, path_separator))
        if given is None
        else _levels(_paths(given, path_separator))
        for text, given in _both(texts, lists)
    )
    hint = separator_hint(texts, path_separator, "path_separator", _PATH_MARKS)
    relation = _noted(_relation(name, len(texts), levels), lists.note if lists else hint)
    return _without_shared(relation, len(texts))


def _check_separator(name: str, separator: str) -> None:
    if not separator:
        raise ConfigError(f"{name}: an empty separator divides nothing; name one, such as |")


def _both(texts: Sequence[str], lists: ListTexts | None) -> Iterator[tuple[str, Values | None]]:
    """Each text, and the list that it is, if any."""
    return zip(texts, lists.values if lists else [None] * len(texts), strict=True)


def _flat(values: Values) -> Iterator[str]:
    for value in values:
        yield from (value,) if isinstance(value, str) else value


def _divided(text: str, list_separator: str, path_separator: str) -> Iterator[list[str]]:
    for path in text.split(list_separator) if list_separator else [text]:
        yield path.split(path_separator)


def _paths(values: Values, path_separator: str) -> Iterator[Sequence[str]]:
    alone = [value for value in values if isinstance(value, str)]
    if any(path_separator in value for value in alone):
        yield from (value.split(path_separator) for value in alone)
    else:
        yield alone
    yield from (value for value in values if not isinstance(value, str))


def _levels(paths: Iterable[Sequence[str]]) -> Iterator[str]:
    for path in paths:
        steps = [step for step in map(_tidy, path) if step]
        yield from (_STEP.join(steps[: depth + 1]) for depth in range(len(steps)))


def _flag(name: str, texts: Sequence[str]) -> Relation:
    has = [text.strip().lower() in _YES for text in texts]
    relation = _relation(name, len(texts), ([name] if yes else [] for yes in has))
    note = f"{name}: yes or no; {sum(has)} of {len(texts)} items have it"
    return dataclasses.replace(relation, note=note)


def _noted(relation: Relation, more: str) -> Relation:
    return dataclasses.replace(relation, note=f"{relation.note}; {more}") if more else relation


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


def _without_shared(relation: Relation, n_items: int) -> Relation:
    frequency = np.bincount(relation.entities, minlength=len(relation.entity_names))
    covered = len(np.unique(relation.items))
    shared = (frequency == covered) & (covered > 1)
    tells = shared.all() and covered < n_items  # who has a path from who has none
    if tells or not shared.any():
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
