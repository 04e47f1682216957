"""The rebuilt knowledge graph: the top-q relations of every denoised row."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.entity_rows import places_of_items
from kdiffe_jax.ops.ragged import read_at
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph


class KeptRelations(NamedTuple):
    """The q relations kept for each item; `scores` is -inf on padding."""

    entities: jax.Array  #: i32[J, q]
    relations: jax.Array  #: i32[J, q]
    scores: jax.Array  #: f32[J, q]


def dense_rows(rows: EntityRows, items: jax.Array, *, n_columns: int) -> jax.Array:
    """x_0: the rows r_j of eq. 9 for some items.

    A column is 1 where any of the item's entities has it.

    Args:
      rows: all items' relations.
      items: i32[n].
      n_columns: C, which is E where each entity has a column of its own.

    Returns:
      f32[n, C] of 0 and 1.
    """
    columns = read_at(rows.columns, places_of_items(rows, items), n_columns)
    block = jnp.zeros((items.shape[0], n_columns))
    return block.at[jnp.arange(items.shape[0])[:, None], columns].set(1.0, mode="drop")


def own_values(denoised: jax.Array, rows: EntityRows, places: jax.Array) -> jax.Array:
    """The denoised value of each of some items' relations.

    Args:
      denoised: f32[n, C].
      rows: all items' relations.
      places: i32[n, K], where those of the n items stand in `rows`.

    Returns:
      f32[n, K]; -inf where an item has fewer, and on hidden ones.
    """
    n_columns = denoised.shape[-1]
    columns = read_at(rows.columns, places, n_columns)
    found = jnp.take_along_axis(denoised, jnp.minimum(columns, n_columns - 1), axis=1)
    return jnp.where(columns < n_columns, found, -jnp.inf)


def top_of_values(values: jax.Array, rows: EntityRows, places: jax.Array, q: int) -> KeptRelations:
    """The q of an item's own relations with the largest values; all where it has fewer.

    Args:
      values: f32[n, K] of `own_values`.
      rows, places: as there.
      q: relations to keep.
    """
    missing = max(0, q - values.shape[1])
    values = jnp.pad(values, ((0, 0), (0, missing)), constant_values=-jnp.inf)
    scores, position = jax.lax.top_k(values, q)
    chosen = jnp.take_along_axis(places, jnp.minimum(position, places.shape[1] - 1), axis=1)
    entities, relations = (read_at(ids, chosen, 0) for ids in (rows.entities, rows.relations))
    return KeptRelations(entities, relations, scores)


def top_relations(
    denoised: jax.Array, entity_relation: jax.Array, rows: EntityRows, places: jax.Array, q: int
) -> KeptRelations:
    """The q entities with the largest denoised values, known to the item or not.

    Args:
      denoised: f32[n, E].
      entity_relation: i32[E], the relation that an entity is given which the item lacks.
      rows, places: as in `own_values`; an item keeps the relation in which it has an entity.
      q: relations to keep, at most E.
    """
    scores, entities = jax.lax.top_k(denoised, min(q, denoised.shape[1]))
    items, own = jnp.arange(places.shape[0])[:, None], read_at(rows.relations, places, 0)
    has = entities[:, :, None] == read_at(rows.entities, places, -1)[:, None]
    relations = own[items, has.argmax(axis=-1)]
    relations = jnp.where(has.any(axis=-1), relations, entity_relation[entities])
    return KeptRelations(entities, relations, scores)


def rebuilt_graph(kept: KeptRelations, *, n_items: int, n_entities: int) -> KnowledgeGraph:
    """The kept relations as a knowledge graph of J * q entries, padding at weight 0.

    An item with no relation at all keeps none, and passes eq. 1 with its own embedding.
    """
    q = kept.entities.shape[1]
    return knowledge_graph(
        jnp.repeat(jnp.arange(n_items, dtype=jnp.int32), q),
        kept.relations.ravel(),
        kept.entities.ravel(),
        jnp.isfinite(kept.scores).ravel().astype(jnp.float32),
        n_items=n_items,
        n_entities=n_entities,
    )
