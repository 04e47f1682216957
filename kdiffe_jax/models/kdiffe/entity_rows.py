"""Each item's relations, of which a dense row is made where it is needed (eq. 9)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.kdiffe.denoiser_columns import entity_columns
from kdiffe_jax.ops.ragged import places_of
from kdiffe_jax.ops.sparse_types import EntityRows


def entity_rows(
    triples: np.ndarray, *, n_items: int, n_entities: int, n_columns: int | None = None
) -> EntityRows:
    """Each item's relations, item after item (eq. 9).

    Args:
      triples: int[n, 3] of (item, relation, entity), sorted by item.
      n_items, n_entities: sizes J and E.
      n_columns: C, of the denoiser's row; E if omitted. See `entity_columns`.

    Returns:
      All relations; where there are none, one that is hidden and of no item, since a checkpoint
      holds no empty arrays.
    """
    degrees = np.bincount(triples[:, 0], minlength=n_items)
    starts = np.append(0, np.cumsum(degrees))
    _, relations, entities = np.asarray(triples, np.int32).T
    columns = entities
    if n_columns is not None and n_columns != n_entities:
        columns = entity_columns(triples, n_entities=n_entities, n_columns=n_columns)[entities]
    if not len(triples):
        relations = entities = np.zeros(1, np.int32)
        columns = np.full(1, n_entities if n_columns is None else n_columns)
    positions = np.arange(max(1, degrees.max(initial=0)))
    return EntityRows(
        *(jnp.asarray(a, jnp.int32) for a in (starts, entities, relations, columns, positions))
    )


def places_of_items(rows: EntityRows, items: jax.Array) -> jax.Array:
    """i32[n, K]: where the relations of n items stand in `rows`; see `ragged.places_of`."""
    return places_of(rows.row_starts, rows.positions, items)


def hidden_in(rows: EntityRows, places: np.ndarray, *, n_columns: int) -> EntityRows:
    """The rows of eq. 9 without some triples, in the same shape.

    Args:
      rows: all items' relations.
      places: int[n], which are hidden.
      n_columns: C.
    """
    return rows._replace(columns=rows.columns.at[places].set(n_columns))


def usual_relation(triples: np.ndarray, *, n_entities: int, n_relations: int) -> jax.Array:
    """i32[E]: the relation that an entity has most often, the first of equals, 0 of none."""
    pairs = triples[:, 2].astype(np.int64) * n_relations + triples[:, 1]
    pairs, counts = np.unique(pairs, return_counts=True)
    entities, relations = np.divmod(pairs, max(1, n_relations))
    found, falling = np.zeros(n_entities, np.int32), np.argsort(-counts, kind="stable")
    entities, first = np.unique(entities[falling], return_index=True)
    found[entities] = relations[falling][first]
    return jnp.asarray(found)
