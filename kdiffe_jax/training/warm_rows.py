"""The rows of new users and items in tables that an earlier training filled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import nearest_items
from kdiffe_jax.data.rows_of_new import NONE_MADE, MadeRows, items_by_neighbours, users_by_items
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.saved_model import SavedModel
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.warm_axes import ITEMS, USERS, Space, Spaces


class Made(NamedTuple):
    """The rows that are made for what is new."""

    users: MadeRows = NONE_MADE
    items: MadeRows = NONE_MADE


def rows_of_new(setup: TrainSetup, dataset: Dataset, model: SavedModel, spaces: Spaces) -> Made:
    """What the rows of new users and items are made of.

    Users have the mean of the users of their training items, items that of their nearest items by
    content, where there is any; of users and items that the earlier training saw.

    Args:
      setup: of the training.
      dataset: that it was built of, as read.
      model: of the earlier training.
      spaces: of both.
    """
    users = items = NONE_MADE
    if spaces.users.new.any():
        trained = _trained(spaces.users, model.train[:, 0])
        pairs, n_items = setup.dataset.train, setup.dataset.n_items
        users = users_by_items(pairs, spaces.users.new, trained, n_items)
    if spaces.items.new.any():
        items = _by_neighbours(setup, dataset, spaces.items, model.train[:, 1])
    return Made(users, items)


def _by_neighbours(setup: TrainSetup, dataset: Dataset, items: Space, seen: np.ndarray) -> MadeRows:
    embedding = setup.config.embedding
    try:
        near = nearest_items(
            ablated(dataset, setup.config.data_ablation),
            embedding.nearest_items,
            weighed=embedding.neighbour_kinds,
            each_relation=embedding.neighbour_relations == "each",
        )
    except DataError:  # the content links no items
        return NONE_MADE
    return items_by_neighbours(near.of_cold, items.new, _trained(items, seen))


def write_made_rows(rows: np.ndarray, axis: Space, spaces: Spaces, made: Made) -> None:
    """Writes the rows of new users and items into a table whose known rows are in place.

    Args:
      rows: f32[n, ...], changed.
      axis: what its first axis numbers.
      spaces, made: of the training.
    """
    first = 0
    for name in () if axis.whole_words else axis.names:
        kinds = {USERS: (spaces.users, made.users), ITEMS: (spaces.items, made.items)}
        if name not in kinds:
            return
        space, of_new = kinds[name]
        part = rows[first : first + len(space.places)]
        part[of_new.numbers] = of_new.of(part)
        first += len(part)


def _trained(space: Space, seen: np.ndarray) -> np.ndarray:
    """bool[n here], those that the earlier training saw."""
    return ~space.new & (np.bincount(seen, minlength=space.n_there) > 0)[space.places]
