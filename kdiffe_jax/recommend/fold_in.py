"""Users that training never saw, folded in without training.

One propagation step from the items given: the trained graph stays as it is, S of a new
edge is taken as the mean of S over the item's edges, and the user's own layer 0 is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.graph.laplacian import entry_weights
from kdiffe_jax.recommend.ids import Ids, listed
from kdiffe_jax.recommend.messages import messages
from kdiffe_jax.saved_model import SavedModel


def with_users(model: SavedModel, histories: Mapping[str, Sequence]) -> SavedModel:
    """The model with users added after its own.

    Args:
      model: trained.
      histories: new id -> ids of the items that the user has chosen, at least one.

    Raises:
      DataError: an id that exists already, an item that is not known, no items.
    """
    Ids("user", model.user_ids).refuse_known(histories)
    catalogue = Ids("item", model.item_ids)
    chosen = [np.unique(catalogue.numbers(listed(items))) for items in histories.values()]
    for name, items in zip(histories, chosen, strict=True):
        if not len(items):
            raise DataError(f"new user {name!r}: needs at least one item to be folded in")
    lengths = np.array([len(items) for items in chosen], int)
    items = np.concatenate([np.zeros(0, np.int32), *chosen])
    rows = np.repeat(np.arange(len(chosen)), lengths)
    similarity = mean_similarity(model)
    values, loops = _new_entries(model, items, rows, similarity, len(chosen))
    vectors = fold_in(model, items, rows, values, loops)
    return model._replace(
        users=np.concatenate([model.users, vectors]),
        own_users=np.concatenate([model.own_users, np.zeros_like(vectors)]),
        train=np.concatenate([model.train, np.stack([rows + len(model.users), items], 1)]),
        laplacian=np.concatenate([model.laplacian, values]),
        user_loops=np.concatenate([model.user_loops, loops]),
        similarity=np.concatenate([model.similarity, similarity[items]]),
        user_ids=(*model.user_ids, *map(str, histories)),
    )


def fold_in(model: SavedModel, items, rows, values, loops) -> np.ndarray:
    """z_u = sum_j L_uj h_j of users without a layer 0: f32[n, d].

    Args:
      model: its layers of items.
      items, rows: i32[m], the users' items, and whose they are, ascending.
      values: f32[m], L_uj.
      loops: f32[n], L_uu.
    """
    received = values[:, None] * messages(model, items, loops[rows])
    vectors = np.zeros((len(loops), received.shape[1]), np.float32)
    np.add.at(vectors, rows, received)
    return vectors


def mean_similarity(model: SavedModel) -> np.ndarray:
    """f32[J]: the mean of S over an item's training interactions, 0 where it has none."""
    items = model.train[:, 1]
    counts = np.bincount(items, minlength=len(model.items))
    sums = np.bincount(items, model.similarity, len(model.items))
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def _new_entries(model: SavedModel, items, rows, similarity, n_users: int):
    """Eq. 4 of the new edges, f32[m], and of the new users' loops, f32[n].

    `similarity` is f32[J], so what is compiled does not depend on how many edges there are.
    """
    config = model.about["config"]
    entries = entry_weights(similarity, xi=config["xi"], degree_from=config["degree_from"])
    weights, counted = (np.asarray(entry)[items] for entry in entries)
    degrees = np.bincount(rows, counted, n_users) + config["self_loops"]
    of_items = np.maximum(model.item_degrees[items], 1.0)
    values = (weights / np.sqrt(degrees[rows] * of_items)).astype(np.float32)
    loops = (1.0 / degrees if config["self_loops"] else np.zeros(n_users)).astype(np.float32)
    return values, loops
