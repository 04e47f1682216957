"""Users that training never saw, folded in without training.

Where a model propagates, a new user takes one step from its items, z_u = own + sum_j L_uj h_j:
the trained graph stays as it is, and S of a new edge is the mean of S over the item's edges. Where
weights between items score, the history is all there is to a user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.added import trained_interactions, with_added, with_added_alone
from kdiffe_jax.recommend.ids import Ids, by_new_id, listed
from kdiffe_jax.storage.saved_model import SavedModel


class NewUsers(NamedTuple):
    """n users and their m items."""

    n: int
    rows: np.ndarray  #: int[m], whose, ascending
    items: np.ndarray  #: i32[m]


class FoldIn:
    """What folding in reads of a model's items, made once for all new users.

    Args:
      model: with or without users that were added before.
      trained: whose trained graph is read; the model, or what it was made from by `alone`.
    """

    def __init__(self, model: SavedModel, trained: SavedModel):
        self._model, self._items = model, Ids("item", model.item_ids)
        self._trained_model = trained

    @property
    def is_possible(self) -> bool:
        """Whether the model has a way to take users that training never saw."""
        artifacts = self._model.artifacts
        return self._propagates or "new_user" in artifacts or not self._model.users.shape[1]

    def alone(self, histories: Mapping[str, Sequence]) -> SavedModel:
        """The model's items, and new users in place of its own.

        Args:
          histories: new id -> ids of the items that the user has chosen, at least one.

        Raises:
          DataError: an id that is empty or there twice, an item that is not known, no items.
          ConfigError: the model cannot fold in, or no dictionary.
        """
        histories = by_new_id(histories, "user", "the items of users")
        if not self.is_possible:
            name = self._model.config["model"]
            raise ConfigError(f"{name} has no way to fold in a user that training never saw")
        new = self._new_users(histories)
        vectors, more = self._propagated(new) if self._propagates else (self._own_rows(new), {})
        return self._model._replace(
            about=with_added_alone(self._model, users=new.n),
            users=vectors,
            train=np.stack([new.rows, new.items], axis=1).astype(np.int32),
            held_out=np.zeros((0, 2), np.int32),
            artifacts={**self._model.artifacts, **more},
            user_ids=tuple(map(str, histories)),
        )

    @cached_property
    def mean_similarity(self) -> np.ndarray:
        """f32[J]: the mean of S over an item's training interactions, 0 where it has none."""
        items, n_items = self._trained[:, 1], len(self._items)
        counts = np.bincount(items, minlength=n_items)
        sums = np.bincount(items, self._similarity, n_items)
        return (sums / np.maximum(counts, 1)).astype(np.float32)

    @cached_property
    def _degrees(self) -> np.ndarray:
        """f64[J]: of the items, as in training (eq. 4)."""
        _, counted = self._edge_weights(self._similarity)
        return np.bincount(self._trained[:, 1], counted, len(self._items))

    @property
    def _propagates(self) -> bool:
        return "messages" in self._model.artifacts

    @cached_property
    def _trained(self) -> np.ndarray:
        return trained_interactions(self._trained_model)

    @property
    def _similarity(self) -> np.ndarray:
        """f32[n]: S of the training interactions, 0 without S."""
        n = len(self._trained)
        return self._trained_model.artifacts.get("similarity", np.zeros(n, np.float32))[:n]

    def _new_users(self, histories: Mapping[str, Sequence]) -> NewUsers:
        chosen = [np.unique(self._items.numbers(listed(items))) for items in histories.values()]
        for name, items in zip(histories, chosen, strict=True):
            if not len(items):
                raise DataError(f"new user {name!r}: needs at least one item to be folded in")
        lengths = np.array([len(items) for items in chosen], int)
        rows = np.repeat(np.arange(len(chosen)), lengths)
        return NewUsers(len(chosen), rows, np.concatenate([np.zeros(0, np.int32), *chosen]))

    def _propagated(self, new: NewUsers) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Rows of the users, and the artifacts of users and interactions."""
        own, similarity = self._own_rows(new), self.mean_similarity[new.items]
        values = self._laplacian_entries(new, similarity)
        vectors = own.copy()
        np.add.at(vectors, new.rows, values[:, None] * self._model.artifacts["messages"][new.items])
        more = {"own_users": own, "laplacian": values, "similarity": similarity}
        return vectors, {name: more[name] for name in more.keys() & self._model.artifacts.keys()}

    def _own_rows(self, new: NewUsers) -> np.ndarray:
        """f32[n, w]: the rows of users without items."""
        nothing = np.zeros(self._model.users.shape[1], np.float32)
        return np.tile(self._model.artifacts.get("new_user", nothing), (new.n, 1))

    def _laplacian_entries(self, new: NewUsers, similarity: np.ndarray) -> np.ndarray:
        """f32[m]: w_uj / sqrt(d_u d_j) of the new edges (eq. 4), d_j as in training."""
        weights, counted = self._edge_weights(similarity)
        degrees = np.bincount(new.rows, counted, new.n)[new.rows]
        return (weights / np.sqrt(degrees * np.maximum(self._degrees[new.items], 1.0))).astype(
            np.float32
        )

    def _edge_weights(self, similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """1 + xi S of edges, 1 without xi, and what they count in the degrees; f32[m] each."""
        config = self._model.config
        weights = 1 + np.float32(config.get("xi", 0.0)) * similarity
        weighted = config.get("degree_from") == "weighted"
        return weights, weights if weighted else np.ones_like(weights)


def with_users(
    model: SavedModel, trained: SavedModel, histories: Mapping[str, Sequence]
) -> SavedModel:
    """The model with users added after its own.

    Args:
      trained: as `FoldIn` has it.
      histories: new id -> ids of the items that the user has chosen, at least one.

    Raises:
      DataError: an id that exists already, and as `FoldIn.alone`.
      ConfigError: as `FoldIn.alone`.
    """
    new = FoldIn(model, trained).alone(histories)
    Ids("user", model.user_ids).refuse_known(new.user_ids)
    both = {
        name: np.concatenate([model.artifacts[name], rows])
        for name, rows in new.artifacts.items()
        if rows is not model.artifacts[name]
    }
    moved = new.train + np.array([len(model.user_ids), 0], np.int32)
    return model._replace(
        about=with_added(model, users=len(new.user_ids)),
        users=np.concatenate([model.users, new.users]),
        train=np.concatenate([model.train, moved]),
        artifacts={**model.artifacts, **both},
        user_ids=(*model.user_ids, *new.user_ids),
    )
