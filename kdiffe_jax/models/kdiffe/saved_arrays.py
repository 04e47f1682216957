"""What explanations, new users and new items read of a trained KDiffE."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from kdiffe_jax.models.arrays import EdgeWeights, Inputs
from kdiffe_jax.models.kdiffe.graphs import Denoised
from kdiffe_jax.models.kdiffe.modules import KDiffEModules
from kdiffe_jax.models.kdiffe.rebuild import KeptRelations
from kdiffe_jax.models.terms import propagation_artifacts
from kdiffe_jax.ops.sparse_types import KnowledgeGraph


def saved_arrays(
    model: KDiffEModules,
    params: Any,
    inputs: Inputs,
    main: KnowledgeGraph,
    carry: Denoised,
    edges: EdgeWeights,
) -> dict[str, np.ndarray]:
    """Beside those of `propagation_artifacts`:

    attention f32[m], a(e, r, j) of the triples in the main view, 0 where it lacks them (eq. 2);
    denoised f32[m], their values after the reverse process; kept int32[p, 3], the triples of the
    rebuilt graph, sorted, and kept_denoised f32[p], their values; entities f32[E, d], as the
    knowledge layer reads them; relations f32[R, d], entity_weight and item_weight f32[d, d], W of
    eq. 2. Where xi is not 0, similarity f32[n], S on the training interactions (eq. 5); where
    nearest items have weight, before_neighbours f32[J, d], layer 0 without them.
    """
    table = params["encoder"]
    items, plain, attention, entities = jax.jit(_inner, static_argnums=0)(
        model, table, inputs._replace(knowledge=main)
    )
    found = propagation_artifacts(
        inputs.laplacian,
        table["user_embedding"],
        items,
        layers=model.encoder.layers,
        pooling=model.encoder.pooling,
    )
    kept, kept_denoised = kept_triples(carry.kept)
    found |= {
        "attention": _of_given(model, attention, main, inputs.knowledge),
        "denoised": np.asarray(carry.own)[: len(inputs.knowledge.relations)],
        "kept": kept,
        "kept_denoised": kept_denoised,
        "entities": np.asarray(entities),
        "relations": np.asarray(table["knowledge"]["relations"]),
        "entity_weight": np.asarray(table["knowledge"]["entity_weight"]),
        "item_weight": np.asarray(table["knowledge"]["item_weight"]),
    }
    if edges.similarity is not None:
        found["similarity"] = np.asarray(edges.similarity, np.float32)
    if model.embedding.neighbour_weight:
        found["before_neighbours"] = np.asarray(plain)
    return found


def _inner(model: KDiffEModules, table, inputs: Inputs):
    """Layer 0 of the items with and without neighbours, the attention, the entities as read."""
    shared = model.shared_items(inputs)
    variables, content = {"params": table}, (inputs.knowledge, shared)
    encoder, alone = model.encoder, model.encoder.clone(neighbour_weight=0.0)
    return (
        encoder.apply(variables, *content, inputs.neighbours, method="item_rows"),
        alone.apply(variables, *content, method="item_rows"),
        encoder.apply(variables, *content, method="attention"),
        encoder.apply(variables, shared, method="entities"),
    )


def _of_given(model: KDiffEModules, attention, main: KnowledgeGraph, given: KnowledgeGraph):
    """The attention of the given triples; 0 for those that the main view does not read."""
    attention = np.asarray(attention)
    if model.options.main_graph != "rebuilt":
        return attention
    read = np.asarray(main.structure.values) > 0
    if not read.any():
        return np.zeros(len(given.relations), np.float32)
    of_main, attention = _keys(model, main)[read], attention[read]
    of_given, order = _keys(model, given), np.argsort(of_main)
    place = order[np.minimum(np.searchsorted(of_main[order], of_given), len(order) - 1)]
    return np.where(of_main[place] == of_given, attention[place], np.float32(0.0))


def _keys(model: KDiffEModules, graph: KnowledgeGraph) -> np.ndarray:
    """A number for each (item, relation, entity)."""
    rows, columns = (np.asarray(a) for a in (graph.structure.rows, graph.structure.columns))
    pairs = rows.astype(np.int64) * model.sizes.n_relations + np.asarray(graph.relations)
    return pairs * model.sizes.n_entities + columns


def kept_triples(kept: KeptRelations) -> tuple[np.ndarray, np.ndarray]:
    """What the denoiser keeps: int32[p, 3] of (item, relation, entity), sorted; f32[p], values."""
    items, ranks = np.nonzero(np.isfinite(kept.scores))
    relations, entities = np.asarray(kept.relations), np.asarray(kept.entities)
    rows = np.stack([items, relations[items, ranks], entities[items, ranks]], axis=1)
    order = np.lexsort(rows.T[::-1])
    return rows[order].astype(np.int32), np.asarray(kept.scores)[items, ranks][order]
