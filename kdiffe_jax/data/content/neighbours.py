"""Neighbours: items related to items, given or computed from features."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.codebooks import standardise
from kdiffe_jax.data.content.dense import row_blocks, rows_with_content
from kdiffe_jax.data.content.filters import strongest_links, unique_links
from kdiffe_jax.data.content.largest import MISSED, nearest_in_block
from kdiffe_jax.data.content.nearest_in_cells import nearest_in_cells
from kdiffe_jax.data.relation import ITEMS, Relation
from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.data.settings import NeighbourSettings
from kdiffe_jax.errors import DataError

MOST_PRODUCTS = 2e13  #: some minutes on two cores


def feature_neighbours(
    name: str,
    features: np.ndarray,
    n_neighbours: int,
    *,
    standardised: bool = False,
    most_products: float = MOST_PRODUCTS,
) -> Relation:
    """An item's entities are the other items whose features have the largest cosine with its own.

    The search is exact, a block of cosines at a time, where pairs of items times the width are at
    most `most_products`; else some of the nearest may be missed (`nearest_in_cells.py`).

    Args:
      features: float[J, width]; an item whose row is zero has no neighbours and is none.
      n_neighbours: of each item; fewer where there are not so many items.
      standardised: bring the columns to mean 0 and variance 1 first.
      most_products: that are computed for an exact search.

    Returns:
      The relation, its weights the float32 cosines in six digits; of equal ones the
      lower item is the nearer.

    Raises:
      DataError: no matrix, or a NaN or infinite value.

    >>> rows = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 0.0], [0.0, 1.0]])
    >>> near = feature_neighbours("near", rows, 1)
    >>> near.items.tolist(), near.entities.tolist()
    ([0, 1, 3], [1, 0, 1])
    """
    items = rows_with_content(name, features)
    rows = features if len(items) == len(features) else features[items]
    if standardised and len(rows):
        rows = standardise(rows)
        told = rows.any(axis=1)
        items, rows = items[told], rows[told]
    rows = _of_length_1(rows)
    n_neighbours = min(n_neighbours, len(rows) - 1)
    in_cells = len(rows) * rows.size > most_products
    search = nearest_in_cells if in_cells else _nearest_of_all
    heads, tails, cosines = search(rows, max(n_neighbours, 0))
    note = f"{name}: {max(n_neighbours, 0)} nearest items by cosine for {len(items)} items"
    if in_cells:
        note += f", of which some {MISSED}"
    if len(items) < len(features):
        note += f"; {len(features) - len(items)} items have no {name}"
    of_items, entities = items[heads].astype(np.int32), items[tails].astype(np.int32)
    return Relation(name, of_items, entities, weights=cosines, space=ITEMS, note=note)


def _nearest_of_all(rows: np.ndarray, n_neighbours: int):
    """Rows, their nearest other rows, nearest first, and the cosines."""
    parts = [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))]
    for block in row_blocks(len(rows), len(rows)) if n_neighbours > 0 else ():
        parts.append(nearest_in_block(rows[block] @ rows.T, block.start, n_neighbours))
    return (np.concatenate(column) for column in zip(*parts, strict=True))


def cap_neighbours(relation: Relation, settings: NeighbourSettings) -> Relation:
    """The nearest neighbours of each item, none of too small a weight.

    Without weights the links are taken to stand nearest first and no weight is asked
    for. An item that neighbours itself and repeated links go.

    Returns:
      The relation; what went is counted in its note.
    """
    kept = unique_links(relation.take(relation.items != relation.entities))
    note = f"{relation.note}; " if relation.note else f"{relation.name}: "
    below = 0
    if kept.weights is None:
        order = np.argsort(kept.items, kind="stable")
        near = position_in_group(kept.items[order]) < settings.neighbours_per_item
        kept = kept.take(np.sort(order[near]))
    else:
        near = kept.weights >= settings.neighbours_min_weight
        below, kept = int((~near).sum()), kept.take(near)
        kept = strongest_links(kept, settings.neighbours_per_item)
    if len(kept.items) == len(relation.items):
        return kept
    note += f"{len(kept.items)} of {len(relation.items)} links between items kept"
    if below:
        least = f"{settings.neighbours_min_weight:g} (--neighbours_min_weight)"
        note += f"; {below} weigh less than {least}"
    return dataclasses.replace(kept, note=note)


def similarity_relation(name: str, matrix: sparse.sparray | sparse.spmatrix) -> Relation:
    """Items and the items that a similarity links them to, weighted by it.

    Args:
      matrix: [J, J], scipy sparse; its diagonal and its zeros are dropped, and entries
        for the same pair are summed. It need not be symmetric.

    Raises:
      DataError: not square, or a NaN or infinite value.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(f"{name}: a similarity of shape {matrix.shape}; one row and column an item")
    entries = sparse.coo_array(matrix)
    entries.sum_duplicates()
    bad = ~np.isfinite(entries.data)
    if bad.any():
        row = int(entries.row[np.argmax(bad)])
        raise DataError(f"{name}, row {row}: a NaN or infinite similarity; mend the row")
    order = np.lexsort((entries.col, entries.row))
    order = order[(entries.data != 0)[order] & (entries.row != entries.col)[order]]
    items, entities = entries.row[order].astype(np.int32), entries.col[order].astype(np.int32)
    note = f"{name}: similarity of {len(np.unique(items))} of {matrix.shape[0]} items"
    weights = entries.data[order].astype(np.float32)
    return Relation(name, items, entities, weights=weights, space=ITEMS, note=note)


def _of_length_1(rows: np.ndarray) -> np.ndarray:
    scaled = np.empty(rows.shape, np.float32)
    for block in row_blocks(*rows.shape):
        wide = rows[block].astype(np.float64)
        wide /= np.abs(wide).max(axis=1, keepdims=True)
        scaled[block] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return scaled
