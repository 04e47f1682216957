"""Items that training never saw, by their entities (eq. 1, 2 without an embedding of their own)."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.content.shared_entities import nearest_by_entities
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.knowledge_layer import KnowledgeLayer
from kdiffe_jax.models.scoring import scoring_items
from kdiffe_jax.models.terms import pooled_rows
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.storage.saved_model import SavedModel


class NewItems(NamedTuple):
    """What a model gives to items that training never saw; n of them."""

    items: np.ndarray  #: f32[n, w], as they rank
    messages: np.ndarray  #: f32[n, w], what they pass on to a user
    attention: np.ndarray  #: f32[m], of their triples


def rows_of_new_items(saved: SavedModel, triples: np.ndarray, n_new: int) -> NewItems:
    """A new item has no users to receive from: its layer 0 is all of it.

    Where training uses nearest items, a new item has nearest items too: those of training with
    which it shares entities.

    Args:
      saved: a KDiffE.
      triples: int32[m, 3] of (new item, relation, entity), sorted.
      n_new: n.
    """
    config = saved.config
    layer_zero, attention = _knowledge_only(saved, triples, n_new)
    beside = np.float32(0.0)
    if config["neighbour_weight"]:
        near = _mean_of_nearest(saved, triples, n_new)
        layer_zero = layer_zero + np.float32(config["neighbour_weight"]) * near
        beside = np.float32(config["last_neighbour_weight"]) * np.asarray(unit_rows(near))
    pooling = "sum" if config["layer_pooling"] == "own" else config["layer_pooling"]
    final, messages = pooled_rows(layer_zero, layers=config["layers"], pooling=pooling)
    items = np.asarray(scoring_items(final + beside, config["score"]))
    return NewItems(items, messages, attention)


def _knowledge_only(saved: SavedModel, triples: np.ndarray, n_new: int):
    """Norm(sum_e a(e, r, j) z_e) with a of eq. 2 for z_j = 0, and a itself."""
    arrays = saved.artifacts
    layer = KnowledgeLayer(len(arrays["relations"]), arrays["relations"].shape[1])
    names = ("relations", "entity_weight", "item_weight")
    params = {"params": {name: arrays[name] for name in names}}
    nothing = jnp.zeros((n_new, arrays["relations"].shape[1]))
    entities = jnp.asarray(arrays["entities"])
    items, relations, tails = triples.T
    ones = np.ones(len(triples))
    graph = knowledge_graph(items, relations, tails, ones, n_items=n_new, n_entities=len(entities))
    attention = layer.apply(params, nothing, entities, graph, method="attention").values
    return np.asarray(layer.apply(params, nothing, entities, graph)), np.asarray(attention)


def _mean_of_nearest(saved: SavedModel, triples: np.ndarray, n_new: int) -> np.ndarray:
    """f32[n, d]: the mean layer 0 of each new item's nearest items of training."""
    rows = saved.artifacts["before_neighbours"]
    heads, tails = nearest_by_entities(
        triples,
        saved.triples[saved.triples[:, 0] < len(rows)],
        saved.config["nearest_items"],
        n_wanted=n_new,
        n_items=len(rows),
        n_entities=len(saved.artifacts["entities"]),
    )
    sums = np.zeros((n_new, rows.shape[1]), np.float32)
    np.add.at(sums, heads, rows[tails])
    counts = np.bincount(heads, minlength=n_new).astype(np.float32)
    return sums / np.maximum(counts, 1.0)[:, None]
