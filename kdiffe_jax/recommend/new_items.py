"""Items that training never saw, by what they are made of.

A new item consists of its entities: eq. 1 and 2 with the trained weights and no embedding
of its own, and no user to receive from. Where training uses nearest items, a new item has
nearest items too: those of training with which it shares entities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.content.shared_entities import nearest_by_entities
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.graph.operators import operator_from_entries
from kdiffe_jax.model.knowledge import KnowledgeLayer
from kdiffe_jax.recommend.entities import entity_triples
from kdiffe_jax.recommend.ids import Ids
from kdiffe_jax.recommend.messages import own_factor
from kdiffe_jax.saved_model import SavedModel
from kdiffe_jax.scoring import scoring_items, with_stand_ins


def with_items(model: SavedModel, entities: Mapping[str, Sequence]) -> SavedModel:
    """The model with items added after its own, each made of its entities.

    Args:
      model: trained.
      entities: new id -> entities, each a name or (relation, name).

    Raises:
      DataError: an id that exists already, an entity that is not known, no entities.
    """
    Ids("item", model.item_ids).refuse_known(entities)
    triples = entity_triples(model, entities)
    layer_zero, attention = _knowledge_only(model, triples, len(entities))
    at_first, at_last = _from_nearest(model, triples, len(entities))
    layer_zero = layer_zero + at_first
    config = model.about["config"]
    looped = bool(config["self_loops"])
    factor = own_factor(model, np.full(len(entities), float(looped)))
    vectors = scoring_items(jnp.asarray(factor[:, None] * layer_zero + at_last), config["score"])
    if config["cold_items"] == "neighbours":
        vectors = _standing_in(model, triples, vectors)
    layers = np.zeros((len(model.item_layers), *layer_zero.shape), np.float32)
    layers[: len(layers) if looped else 1] = layer_zero
    shifted = triples + np.array([len(model.items), 0, 0])
    missing = ("",) * len(entities)
    return model._replace(
        items=np.concatenate([model.items, np.asarray(vectors)]),
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


def _from_nearest(model: SavedModel, triples: np.ndarray, n_new: int) -> np.ndarray:
    """f32[2, n, d]: what nearest items add to layer 0 and to the final rows of new items.

    Each of an item's nearest weighs the same, and together they have the weight that the
    configuration gives to nearest items.
    """
    config = model.about["config"]
    weights = np.float32([config["neighbour_weight"], config["neighbour_smoothing"]])
    if not weights.any():
        return np.zeros((2, n_new, model.items.shape[1]), np.float32)
    everything = np.ones(len(model.items), bool)
    heads, tails = _nearest(model, triples, n_new, everything)
    return weights[:, None, None] * np.stack(
        [_means(rows[tails], heads, n_new) for rows in model.passed_on]
    )


def _standing_in(model: SavedModel, triples: np.ndarray, vectors: jnp.ndarray) -> jnp.ndarray:
    """f32[n, d]: the rows of new items made of their nearest trained items, as those of cold ones.

    An item that shares no entity with a trained one keeps the row that it has.
    """
    trained = model.item_degrees > model.about["config"]["self_loops"]
    heads, tails = _nearest(model, triples, len(vectors), trained)
    order = np.lexsort((tails, heads))
    heads, tails = heads[order], tails[order]
    shares = (1.0 / np.bincount(heads)[heads]).astype(np.float32)
    n_items, n_all = len(model.items), len(model.items) + len(vectors)
    stand_ins = operator_from_entries(
        jnp.asarray(shares), n_items + heads, tails, shape=(n_all, n_all)
    )
    return with_stand_ins(jnp.concatenate([model.items, vectors]), stand_ins)[n_items:]


def _nearest(model: SavedModel, triples: np.ndarray, n_new: int, among: np.ndarray):
    """New items and their nearest items of training, of those in bool[J] `among`."""
    n_items = model.passed_on.shape[1]
    heads = model.triples[:, 0]
    return nearest_by_entities(
        triples,
        model.triples[(heads < n_items) & among[heads]],
        model.about["config"]["nearest_items"],
        n_wanted=n_new,
        n_items=n_items,
        n_entities=len(model.entities),
    )


def _means(rows: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """f32[n, d]: the mean of the rows of each group, zero where it has none."""
    sums = np.zeros((n_groups, rows.shape[1]), np.float32)
    np.add.at(sums, groups, rows)
    counts = np.bincount(groups, minlength=n_groups).astype(np.float32)
    return sums / np.maximum(counts, 1.0)[:, None]
