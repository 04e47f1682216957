"""Users and items that came to a model after training: the trained graph stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdiffe_jax.storage.saved_model import SavedModel

_USERS, _ITEMS = "added_users", "added_items"


def with_added(model: SavedModel, *, users: int = 0, items: int = 0) -> Mapping[str, Any]:
    """What is said about the model once it has more users or items at its end."""
    before = {name: model.about.get(name, 0) for name in (_USERS, _ITEMS)}
    return {**model.about, _USERS: before[_USERS] + users, _ITEMS: before[_ITEMS] + items}


def with_added_alone(model: SavedModel, *, users: int) -> Mapping[str, Any]:
    """What is said about the model where these are all the users that it has."""
    return {**model.about, _USERS: users}


def n_trained_items(model: SavedModel) -> int:
    """How many items training knew; they come first."""
    return len(model.item_ids) - model.about.get(_ITEMS, 0)


def trained_interactions(model: SavedModel) -> np.ndarray:
    """i32[n, 2]: `train` without the histories of added users, which stand at its end."""
    n_users = len(model.user_ids) - model.about.get(_USERS, 0)
    return model.train[: np.searchsorted(model.train[:, 0], n_users)]


def trained_degrees(model: SavedModel, n_items: int) -> np.ndarray:
    """int64[n_items]: training interactions of each item, none of those that came later."""
    return np.bincount(trained_interactions(model)[:, 1], minlength=n_items)


def as_trained(model: SavedModel) -> SavedModel:
    """The model with the ids and interactions of training alone; its rows are as they were."""
    n_users = len(model.user_ids) - model.about.get(_USERS, 0)
    return model._replace(
        user_ids=model.user_ids[:n_users],
        item_ids=model.item_ids[: n_trained_items(model)],
        train=trained_interactions(model),
    )
