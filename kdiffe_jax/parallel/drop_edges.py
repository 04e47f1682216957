"""Edges dropped from a Laplacian that is split over a mesh."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.drop_edges import dropped
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
    n_blocks, height = block.rows.shape[0], block.row_starts.shape[1] - 1
    rows = block.rows + height * jnp.arange(n_blocks, dtype=jnp.int32)[:, None]
    values = block.values * kept * (of_rows[rows] * of_columns[block.columns])
    return dataclasses.replace(block, values=values)
