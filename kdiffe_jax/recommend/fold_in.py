"""Users and items that training never saw, without training.

A new user is folded in by one propagation step from the items given: the trained
graph stays as it is, S of a new edge is taken as the mean of S over the item's
edges, and the user's own layer 0 is zero. A new item consists of its entities: eq. 1
and 2 with the trained weights and no embedding of its own, and no user to receive from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.graph.laplacian import entry_weights
from kdiffe_jax.model.knowledge import KnowledgeLayer
from kdiffe_jax.recommend.entities import entity_triples
from kdiffe_jax.recommend.ids import Ids, listed
from kdiffe_jax.recommend.messages import messages, own_factor
from kdiffe_jax.saved_model import SavedModel
from kdiffe_jax.scoring import scoring_items


def with_users(model: SavedModel, histories: Mapping[str, Sequence]) -> SavedModel:
    """The model with users added after its own.

    Args:
      model: trained.
      histories: new id -> ids of the items that the user has chosen, at least one.

    Raises:
      DataError: an id that exists already, an item that is not known, no items.
    """
    _refuse_known(Ids("user", model.user_ids), histories)
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


def with_items(model: SavedModel, entities: Mapping[str, Sequence]) -> SavedModel:
    """The model with items added after its own, each made of its entities.

    Args:
      model: trained.
      entities: new id -> entities, each a name or (relation, name).

    Raises:
      DataError: an id that exists already, an entity that is not known, no entities.
    """
    _refuse_known(Ids("item", model.item_ids), entities)
    triples = entity_triples(model, entities)
    layer_zero, attention = _knowledge_only(model, triples, len(entities))
    looped = bool(model.about["config"]["self_loops"])
    vectors = own_factor(model, np.full(len(entities), float(looped)))[:, None] * layer_zero
    vectors = np.asarray(scoring_items(jnp.asarray(vectors), model.about["config"]["score"]))
    layers = np.zeros((len(model.item_layers), *layer_zero.shape), np.float32)
    layers[: len(layers) if looped else 1] = layer_zero
    shifted = triples + np.array([len(model.items), 0, 0])
    missing = ("",) * len(entities)
    return model._replace(
        items=np.concatenate([model.items, vectors]),
        item_layers=np.concatenate([model.item_layers, layers], axis=1),
        item_degrees=np.concatenate([model.item_degrees, np.zeros(len(entities), np.float32)]),
        triples=np.concatenate([model.triples, shifted]),
        attention=np.concatenate([model.attention, attention]),
        item_ids=(*model.item_ids, *map(str, entities)),
        item_names=model.item_names and (*model.item_names, *missing),
        item_pictures=model.item_pictures and (*model.item_pictures, *missing),
    )


def _knowledge_only(model: SavedModel, triples: np.ndarray, n_items: int):
    """Norm(sum_e a(e, r, j) z_e) with a of eq. 2 for z_j = 0, and a itself."""
    layer = KnowledgeLayer(len(model.relations), model.relations.shape[1])
    names = ("relations", "entity_weight", "item_weight")
    params = {"params": {name: getattr(model, name) for name in names}}
    nothing = jnp.zeros((n_items, model.items.shape[1]))
    entities = jnp.asarray(model.entities)
    items, relations, tails = triples.T
    weights = jnp.ones(len(triples))
    graph = knowledge_graph(
        items, relations, tails, weights, n_items=n_items, n_entities=len(entities)
    )
    attention = layer.apply(params, nothing, entities, graph, method="attention").values
    return np.asarray(layer.apply(params, nothing, entities, graph)), np.asarray(attention)


def _refuse_known(ids: Ids, names) -> None:
    for name in names:
        if name in ids:
            raise DataError(f"{ids.what} {str(name)!r} is there already; give a new id")
