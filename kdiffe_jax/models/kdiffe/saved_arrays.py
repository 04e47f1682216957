"""What explanations, new users and new items read of a trained KDiffE."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from kdiffe_jax.models.arrays import EdgeWeights, Inputs
from kdiffe_jax.models.kdiffe.modules import KDiffEModules
from kdiffe_jax.models.kdiffe.rebuild import KeptRelations
from kdiffe_jax.models.terms import propagation_artifacts


def saved_arrays(
    model: KDiffEModules, params: Any, inputs: Inputs, carry: KeptRelations, edges: EdgeWeights
) -> dict[str, np.ndarray]:
    """Beside those of `propagation_artifacts`:

    similarity f32[n], S on the training interactions (eq. 5); attention f32[m], a(e, r, j) of the
    triples (eq. 2); kept int32[p, 3], the triples of the rebuilt graph, sorted; entities f32[E, d],
    as the knowledge layer reads them; relations f32[R, d], entity_weight and item_weight f32[d, d],
    W of eq. 2; before_neighbours f32[J, d], layer 0 without the nearest items, where these have
    weight.
    """
    table = params["encoder"]
    items, plain, attention, entities = jax.jit(_inner, static_argnums=0)(model, table, inputs)
    found = propagation_artifacts(
        inputs.laplacian,
        table["user_embedding"],
        items,
        layers=model.encoder.layers,
        pooling=model.encoder.pooling,
    )
    found |= {
        "similarity": np.asarray(edges.similarity, np.float32),
        "attention": np.asarray(attention),
        "kept": kept_triples(carry),
        "entities": np.asarray(entities),
        "relations": np.asarray(table["knowledge"]["relations"]),
        "entity_weight": np.asarray(table["knowledge"]["entity_weight"]),
        "item_weight": np.asarray(table["knowledge"]["item_weight"]),
    }
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


def kept_triples(kept: KeptRelations) -> np.ndarray:
    """int32[p, 3] of (item, relation, entity): what the denoiser keeps, sorted."""
    items, ranks = np.nonzero(np.isfinite(kept.scores))
    relations, entities = np.asarray(kept.relations), np.asarray(kept.entities)
    rows = np.stack([items, relations[items, ranks], entities[items, ranks]], axis=1)
    return rows[np.lexsort(rows.T[::-1])].astype(np.int32)
