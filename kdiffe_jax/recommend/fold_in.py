"""Users that training never saw, folded in without training.

Where a model propagates, a new user takes one step from its items, z_u = own + sum_j L_uj h_j:
the trained graph stays as it is, and S of a new edge is the mean of S over the item's edges. Where
weights between items score, the history is all there is to a user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.added import trained_interactions, with_added
from kdiffe_jax.recommend.ids import Ids, by_new_id, listed
from kdiffe_jax.storage.saved_model import SavedModel


class NewUsers(NamedTuple):
    """n users and their m items."""

    n: int
    rows: np.ndarray  #: int[m], whose, ascending
    items: np.ndarray  #: i32[m]


Fold = Callable[[SavedModel, NewUsers], tuple[np.ndarray, dict[str, np.ndarray]]]


def with_users(model: SavedModel, histories: Mapping[str, Sequence]) -> SavedModel:
    """The model with users added after its own.

    Args:
      histories: new id -> ids of the items that the user has chosen, at least one.

    Raises:
      DataError: an id that exists already, an item that is not known, no items.
      ConfigError: the model cannot fold in, or no dictionary.
    """
    histories = by_new_id(histories, "the items of users")
    fold = _fold_of(model)
    if fold is None:
        name = model.config["model"]
        raise ConfigError(f"{name} has no way to fold in a user that training never saw")
    new = _new_users(model, histories)
    vectors, more = fold(model, new)
    longer = {name: np.concatenate([model.artifacts[name], rows]) for name, rows in more.items()}
    chosen = np.stack([new.rows + len(model.user_ids), new.items], axis=1).astype(np.int32)
    return model._replace(
        about=with_added(model, users=new.n),
        users=np.concatenate([model.users, vectors]),
        train=np.concatenate([model.train, chosen]),
        artifacts={**model.artifacts, **longer},
        user_ids=(*model.user_ids, *map(str, histories)),
    )


def can_fold_in(model: SavedModel) -> bool:
    """Whether `with_users` has a way for this model."""
    return _fold_of(model) is not None


def mean_similarity(model: SavedModel) -> np.ndarray:
    """f32[J]: the mean of S over an item's training interactions, 0 where it has none."""
    items = trained_interactions(model)[:, 1]
    counts = np.bincount(items, minlength=len(model.item_ids))
    similarity = model.artifacts.get("similarity", np.zeros(len(items), np.float32))
    sums = np.bincount(items, similarity[: len(items)], len(model.item_ids))
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def _fold_of(model: SavedModel) -> Fold | None:
    if "messages" in model.artifacts:
        return _propagated
    as_every_user = "new_user" in model.artifacts or not model.users.shape[1]
    return _as_every_user if as_every_user else None


def _new_users(model: SavedModel, histories: Mapping[str, Sequence]) -> NewUsers:
    Ids("user", model.user_ids).refuse_known(histories)
    catalogue = Ids("item", model.item_ids)
    chosen = [np.unique(catalogue.numbers(listed(items))) for items in histories.values()]
    for name, items in zip(histories, chosen, strict=True):
        if not len(items):
            raise DataError(f"new user {name!r}: needs at least one item to be folded in")
    lengths = np.array([len(items) for items in chosen], int)
    rows = np.repeat(np.arange(len(chosen)), lengths)
    return NewUsers(len(chosen), rows, np.concatenate([np.zeros(0, np.int32), *chosen]))


def _propagated(model: SavedModel, new: NewUsers):
    own, similarity = _own_rows(model, new), mean_similarity(model)[new.items]
    values = _laplacian_entries(model, new, similarity)
    vectors = own.copy()
    np.add.at(vectors, new.rows, values[:, None] * model.artifacts["messages"][new.items])
    more = {"own_users": own, "laplacian": values, "similarity": similarity}
    return vectors, {name: rows for name, rows in more.items() if name in model.artifacts}


def _as_every_user(model: SavedModel, new: NewUsers):
    """Without new_user there are no columns: the history is all there is."""
    return _own_rows(model, new), {}


def _own_rows(model: SavedModel, new: NewUsers) -> np.ndarray:
    """f32[n, w]: the rows of users without items."""
    nothing = np.zeros(model.users.shape[1], np.float32)
    return np.tile(model.artifacts.get("new_user", nothing), (new.n, 1))


def _laplacian_entries(model: SavedModel, new: NewUsers, similarity: np.ndarray) -> np.ndarray:
    """f32[m]: w_uj / sqrt(d_u d_j) of the new edges (eq. 4), d_j as in training."""
    trained = trained_interactions(model)
    of_trained = model.artifacts.get("similarity", np.zeros(len(trained), np.float32))
    _, counted = _edge_weights(model, of_trained[: len(trained)])
    item_degrees = np.bincount(trained[:, 1], counted, len(model.item_ids))
    weights, counted = _edge_weights(model, similarity)
    user_degrees = np.bincount(new.rows, counted, new.n)
    both = user_degrees[new.rows] * np.maximum(item_degrees[new.items], 1.0)
    return (weights / np.sqrt(both)).astype(np.float32)


def _edge_weights(model: SavedModel, similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 + xi S of edges, 1 without xi, and what they count in the degrees; f32[m] each."""
    weights = 1 + np.float32(model.config.get("xi", 0.0)) * similarity
    weighted = model.config.get("degree_from") == "weighted"
    return weights, weights if weighted else np.ones_like(weights)
