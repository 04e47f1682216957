"""Item-entity triples as arrays on the device."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse import operator_from_entries
from kdiffe_jax.ops.sparse_types import KnowledgeGraph


def knowledge_graph(
    items: jax.Array,
    relations: jax.Array,
    entities: jax.Array,
    weights: jax.Array,
    *,
    n_items: int,
    n_entities: int,
) -> KnowledgeGraph:
    """Triples sorted by item as a `KnowledgeGraph`; may be traced, the shape stays.

    Args:
      items, relations, entities: i32[n], sorted by item.
      weights: f32[n], 0 on padding.
      n_items, n_entities: sizes J and E.
    """
    structure = operator_from_entries(weights, items, entities, shape=(n_items, n_entities))
    return KnowledgeGraph(structure, jnp.asarray(relations, jnp.int32))
