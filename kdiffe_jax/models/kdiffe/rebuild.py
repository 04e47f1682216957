"""The rebuilt knowledge graph: the top-q relations of every denoised row."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph


class KeptRelations(NamedTuple):
    """The q relations kept for each item; `scores` is -inf on padding."""

    entities: jax.Array  #: i32[J, q]
    relations: jax.Array  #: i32[J, q]
    scores: jax.Array  #: f32[J, q]


def dense_rows(rows: EntityRows, items: jax.Array, *, n_columns: int) -> jax.Array:
    """x_0: the rows r_j of eq. 9 for some items, scattered from their padded lists.

    A column is 1 where any of the item's entities has it.

    Args:
      rows: all items' relations.
      items: i32[n].
      n_columns: C, which is E where each entity has a column of its own.

    Returns:
      f32[n, C] of 0 and 1.
    """
    block = jnp.zeros((items.shape[0], n_columns))
    return block.at[jnp.arange(items.shape[0])[:, None], rows.columns[items]].set(1.0, mode="drop")


def triple_scores(denoised: jax.Array, columns: jax.Array) -> jax.Array:
    """The denoised value of each of an item's relations; -inf on padding.

    Args:
      denoised: f32[n, C].
      columns: i32[n, K], those of the item's entities, C on padding.

    Returns:
      f32[n, K].
    """
    n_columns = denoised.shape[-1]
    found = jnp.take_along_axis(denoised, jnp.minimum(columns, n_columns - 1), axis=1)
    return jnp.where(columns < n_columns, found, -jnp.inf)


def top_own_relations(denoised: jax.Array, rows: EntityRows, q: int) -> KeptRelations:
    """The q of an item's own relations with the largest denoised values.

    Args:
      denoised: f32[n, C].
      rows: of the same n items.
      q: relations to keep; an item with fewer keeps all it has.
    """
    return top_of_values(triple_scores(denoised, rows.columns), rows, q)


def top_of_values(values: jax.Array, rows: EntityRows, q: int) -> KeptRelations:
    """The q of an item's own relations with the largest values.

    Args:
      values: f32[n, K], -inf on padding.
      rows, q: as in `top_own_relations`.
    """
    entities, relations, _ = rows
    missing = max(0, q - values.shape[1])
    values = jnp.pad(values, ((0, 0), (0, missing)), constant_values=-jnp.inf)
    scores, position = jax.lax.top_k(values, q)
    position = jnp.minimum(position, entities.shape[1] - 1)
    return KeptRelations(
        jnp.take_along_axis(entities, position, axis=1),
        jnp.take_along_axis(relations, position, axis=1),
        scores,
    )


def top_relations(denoised: jax.Array, entity_relation: jax.Array, q: int) -> KeptRelations:
    """The q entities with the largest denoised values, known to the item or not.

    Args:
      denoised: f32[n, E].
      entity_relation: i32[E], the relation a new entity is given.
      q: relations to keep, at most E.
    """
    scores, entities = jax.lax.top_k(denoised, min(q, denoised.shape[1]))
    return KeptRelations(entities, entity_relation[entities], scores)


def rebuilt_graph(kept: KeptRelations, *, n_items: int, n_entities: int) -> KnowledgeGraph:
    """The kept relations as a knowledge graph of J * q entries, padding at weight 0.

    An item with no relation at all keeps none, and passes eq. 1 with its own embedding.
    """
    q = kept.entities.shape[1]
    return knowledge_graph(
        jnp.repeat(jnp.arange(n_items, dtype=jnp.int32), q),
        kept.relations.ravel(),
        jnp.minimum(kept.entities.ravel(), n_entities - 1),
        jnp.isfinite(kept.scores).ravel().astype(jnp.float32),
        n_items=n_items,
        n_entities=n_entities,
    )
