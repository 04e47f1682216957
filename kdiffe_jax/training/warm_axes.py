"""What an axis of a parameter numbers: users, items, entities, relations, or nothing of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import ENTITY_ROWS
from kdiffe_jax.data.known_ids import entity_places
from kdiffe_jax.data.tables.ids import positions
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.base import Needs
from kdiffe_jax.storage.saved_model import SavedModel

USERS, ITEMS, ENTITIES, RELATIONS = "user", "item", "entit", "relation"


class Space(NamedTuple):
    """Things that an axis may number, in the earlier training and in this one."""

    names: tuple[str, ...]  #: one of them is in the path of a parameter that is of them
    n_there: int
    places: np.ndarray  #: int64[n here], the place of each there; -1 of a new one
    whole_words: bool = False  #: whether a part of the path ends in the name, after "_"

    @property
    def same(self) -> bool:
        """Whether all have the place that they had."""
        return self.n_there == len(self.places) and np.array_equal(
            self.places, np.arange(self.n_there)
        )

    @property
    def new(self) -> np.ndarray:
        """bool[n here]"""
        return self.places < 0

    def beside(self, other: Space) -> Space:
        """These and others, one after another on one axis."""
        moved = np.where(other.new, -1, other.places + self.n_there)
        return Space(
            self.names + other.names,
            self.n_there + other.n_there,
            np.concatenate([self.places, moved]),
        )


class Spaces(NamedTuple):
    """The spaces of a data set, and all that an axis of a model of it may be."""

    users: Space
    items: Space
    entities: Space
    relations: Space
    of_axes: tuple[Space, ...]


def spaces_of(
    dataset: Dataset, model: SavedModel, needs: Needs, stand_ins: dict[str, str]
) -> Spaces:
    """Users and items by their ids, relations by name, entities by relation and name.

    Args:
      dataset: as trained on now, with the knowledge that the model reads.
      model: of the earlier training.
      needs: of the model.
      stand_ins: what each modality is that is no feature; `data.feature_rows.stand_ins`.
    """
    users = Space((USERS,), *_matched(dataset.users_by_name(), model.user_ids))
    items = Space((ITEMS,), *_matched(dataset.items_by_name(), model.item_ids))
    relations = Space((RELATIONS,), *_matched(dataset.relation_names, model.relation_names))
    graph = dataset.triples, dataset.relation_names, dataset.entities_by_name()
    there = model.triples, model.relation_names, model.entity_names
    entities = Space((ENTITIES,), *_at_least_one(entity_places(*graph, there=there), len(there[2])))
    found = [users, items, users.beside(items)]
    if needs.knowledge != "none":
        found += [entities, items.beside(entities), relations, relations.beside(relations)]
    of_rows = [name for name, kind in stand_ins.items() if kind == ENTITY_ROWS]
    found += [_of_relation(name, dataset, model, entities) for name in of_rows]
    return Spaces(users, items, entities, relations, of_axes=tuple(found))


def _matched(names: Sequence[str], there: Sequence[str]) -> tuple[int, np.ndarray]:
    return _at_least_one(positions(names, there), len(there))


def _at_least_one(places: np.ndarray, n_there: int) -> tuple[int, np.ndarray]:
    """A model has a row for relations and one for entities where there are none."""
    if len(places):
        return max(1, n_there), places
    return max(1, n_there), np.full(1, -1 if n_there else 0, np.int64)


def _of_relation(name: str, dataset: Dataset, model: SavedModel, entities: Space) -> Space:
    """The entities of one relation, which are columns of the rows that stand in for features."""
    here = _entities_of(name, dataset.triples, dataset.relation_names)
    there = _entities_of(name, model.triples, model.relation_names)
    place = np.full(entities.n_there, -1, np.int64)
    place[there] = np.arange(len(there))
    matched = entities.places[here]
    places = np.where(matched >= 0, place[matched], -1)
    return Space((name,), len(there), places, whole_words=True)


def _entities_of(name: str, triples: np.ndarray, relation_names: Sequence[str]) -> np.ndarray:
    numbers = [number for number, other in enumerate(relation_names) if other == name]
    return np.unique(triples[np.isin(triples[:, 1], numbers), 2])


def space_of(path: str, there: int, here: int, spaces: Sequence[Space]) -> Space | None:
    """What an axis numbers, by its lengths and, where several fit, by the parameter's path.

    Where the path says nothing, it is what all ids are known of.

    Args:
      path: of the parameter, as "encoder/user_embedding".
      there, here: lengths of the axis in the earlier training and in this one.
      spaces: those that may be.

    Returns:
      None for an axis that is taken as it is.

    Raises:
      ConfigError: nothing has these lengths, or several things have; a part of a sentence.
    """
    fitting = [s for s in spaces if s.n_there == there and len(s.places) == here]
    if there == here and all(space.same for space in fitting):
        return None
    if not fitting:
        raise ConfigError(f"no users, items, entities or relations were {there} and are {here}")
    named = [space for space in fitting if _rank(space, path) is not None]
    if named:
        return min(named, key=lambda space: _rank(space, path) or ())
    if there == here and any(_rank(space, path) is not None for space in spaces):
        return None
    left = _unlike(fitting)
    left = left if len(left) == 1 else [space for space in left if not space.new.any()]
    if len(left) == 1:
        return left[0]
    names = " or ".join(" and ".join(space.names) for space in fitting)
    raise ConfigError(f"an axis of {here} may be of {names}; name the parameter after its rows")


def _rank(space: Space, path: str) -> tuple[int, int] | None:
    """How far from the end of a path it names a space; None where it does not."""
    found = []
    for depth, part in enumerate(reversed(path.split("/"))):
        for name in space.names:
            there = part.endswith(f"_{name}") if space.whole_words else name in part
            found += [(depth, part.find(name))] if there else []
    return min(found, default=None)


def _unlike(fitting: Sequence[Space]) -> list[Space]:
    """Those that differ in their places."""
    kept: list[Space] = []
    for space in fitting:
        if not any(np.array_equal(space.places, other.places) for other in kept):
            kept.append(space)
    return kept
