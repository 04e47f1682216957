"""Edges or nodes dropped from a Laplacian that is split over a mesh."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.drop_edges import dropped, kept_nodes, without_nodes
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.parallel.product import RowBlocks


@dropped.register
def dropped_blocks(
    to_users: RowBlocks, to_items: RowBlocks, key: jax.Array, share: float
) -> Laplacian:
    """`dropped` for blocks split by rows; the same edges go as on one device."""
    kept = (jax.random.uniform(key, (to_users.n_entries,)) >= share).astype(jnp.float32)
    kept_users, kept_items = (
        kept.at[block.edges].get(mode="fill", fill_value=0.0) for block in (to_users, to_items)
    )
    return _with_edges(to_users, to_items, kept_users, kept_items)


@without_nodes.register
def without_nodes_of_blocks(
    to_users: RowBlocks, to_items: RowBlocks, key: jax.Array, share: float
) -> Laplacian:
    """`without_nodes` for blocks split by rows; the same nodes go as on one device."""
    users, items = kept_nodes(key, to_users.n_rows, to_items.n_rows, share)

    def edges(block: RowBlocks, of_rows: jax.Array, of_columns: jax.Array) -> jax.Array:
        kept = of_rows.at[_rows(block)].get(mode="fill", fill_value=0.0)
        return kept * of_columns[block.columns] * (block.edges < block.n_entries)

    of_users, of_items = edges(to_users, users, items), edges(to_items, items, users)
    return _with_edges(to_users, to_items, of_users, of_items)


def _with_edges(
    to_users: RowBlocks, to_items: RowBlocks, kept_users: jax.Array, kept_items: jax.Array
) -> Laplacian:
    of_users, of_items = _regained(to_users, kept_users), _regained(to_items, kept_items)
    return Laplacian(
        _rescaled(to_users, kept_users, of_users, of_items),
        _rescaled(to_items, kept_items, of_items, of_users),
    )


def _regained(block: RowBlocks, kept: jax.Array) -> jax.Array:
    """f32[n * b]: the root of a node's degree before over its degree after."""
    height = block.row_starts.shape[1] - 1

    def degrees(counted):
        def in_range(values, rows):
            return jax.ops.segment_sum(values, rows, height, indices_are_sorted=True)

        return jax.vmap(in_range)(counted, block.rows).ravel()

    before = degrees((block.edges < block.n_entries).astype(jnp.float32))
    return jnp.sqrt(before / jnp.maximum(degrees(kept), 1.0))


def _rescaled(block: RowBlocks, kept: jax.Array, of_rows, of_columns) -> RowBlocks:
    values = block.values * kept * (of_rows[_rows(block)] * of_columns[block.columns])
    return dataclasses.replace(block, values=values)


def _rows(block: RowBlocks) -> jax.Array:
    """i32[n, m], rows numbered through all ranges."""
    n_blocks, height = block.rows.shape[0], block.row_starts.shape[1] - 1
    return block.rows + height * jnp.arange(n_blocks, dtype=jnp.int32)[:, None]
