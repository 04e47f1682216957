"""Each item's relations as one padded row (eq. 9)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.kdiffe.denoiser_columns import entity_columns
from kdiffe_jax.ops.sparse_types import EntityRows


def entity_rows(
    triples: np.ndarray, *, n_items: int, n_entities: int, n_columns: int | None = None
) -> EntityRows:
    """Each item's relations as one padded row (eq. 9).

    Args:
      triples: int[n, 3] of (item, relation, entity), sorted by item.
      n_items, n_entities: sizes J and E.
      n_columns: C, of the denoiser's row; E if omitted. See `entity_columns`.

    Returns:
      `EntityRows` [J, K], K the largest number of triples of an item, at least 1.
    """
    degrees = np.bincount(triples[:, 0], minlength=n_items)
    width = max(1, int(degrees.max(initial=0)))
    starts = np.cumsum(degrees) - degrees
    position = np.arange(len(triples)) - starts[triples[:, 0]]
    entities = np.full((n_items, width), n_entities, np.int32)
    relations = np.zeros((n_items, width), np.int32)
    entities[triples[:, 0], position] = triples[:, 2]
    relations[triples[:, 0], position] = triples[:, 1]
    if n_columns is None or n_columns == n_entities:
        table = jnp.asarray(entities)
        return EntityRows(table, jnp.asarray(relations), table)
    column = entity_columns(triples, n_entities=n_entities, n_columns=n_columns)
    columns = np.append(column, np.int32(n_columns))[entities]
    return EntityRows(*map(jnp.asarray, (entities, relations, columns)))


def usual_relation(triples: np.ndarray, *, n_entities: int, n_relations: int) -> jax.Array:
    """i32[E]: the relation that an entity occurs in most often, 0 where it never occurs."""
    counts = np.zeros((n_entities, max(1, n_relations)), np.int64)
    np.add.at(counts, (triples[:, 2], triples[:, 1]), 1)
    return jnp.asarray(counts.argmax(axis=1), jnp.int32)
