"""Each item's relations, of which a dense row is made where it is needed (eq. 9)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.kdiffe.denoiser_columns import entity_columns
from kdiffe_jax.ops.sparse_types import EntityRows


def entity_rows(
    triples: np.ndarray, *, n_items: int, n_entities: int, n_columns: int | None = None
) -> EntityRows:
    """Each item's relations, item after item (eq. 9).

    Args:
      triples: int[n, 3] of (item, relation, entity), sorted by item.
      n_items, n_entities: sizes J and E.
      n_columns: C, of the denoiser's row; E if omitted. See `entity_columns`.
    """
    degrees = np.bincount(triples[:, 0], minlength=n_items)
    starts = np.append(0, np.cumsum(degrees))
    _, relations, entities = np.asarray(triples, np.int32).T
    columns = entities
    if n_columns is not None and n_columns != n_entities:
        columns = entity_columns(triples, n_entities=n_entities, n_columns=n_columns)[entities]
    positions = np.arange(max(1, degrees.max(initial=0)))
    return EntityRows(
        *(jnp.asarray(a, jnp.int32) for a in (starts, entities, relations, columns, positions))
    )


def places_of(rows: EntityRows, items: jax.Array) -> jax.Array:
    """Where the relations of some items stand in `rows`.

    Args:
      rows: of all items.
      items: i32[n].

    Returns:
      i32[n, K], nnz where an item has fewer.
    """
    places = rows.row_starts[items][:, None] + rows.positions[None]
    ends = rows.row_starts[items + 1][:, None]
    return jnp.where(places < ends, places, rows.columns.shape[0])


def read_at(array: jax.Array, places: jax.Array, missing: int | float) -> jax.Array:
    """What an array of all relations has in `places`, which may lie behind its end.

    Args:
      array: [nnz].
      places: i32[n, K] of `places_of`.
      missing: what stands where an item has fewer relations.
    """
    if not array.shape[0]:
        return jnp.full(places.shape, missing, array.dtype)
    return array.at[places].get(mode="fill", fill_value=missing)


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
