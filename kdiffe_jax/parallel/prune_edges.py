"""Edges pruned from a Laplacian that is split over a mesh."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.prune_edges import GUARD, drawn_edges, pruned
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.parallel.product import RowBlocks


@pruned.register
def pruned_blocks(  # type: ignore[misc]
    to_users: RowBlocks, to_items: RowBlocks, key: jax.Array, share: float
) -> Laplacian:
    """`pruned` for blocks split by rows; the same edges stay as on one device."""
    weights = jnp.zeros(to_users.n_entries, to_users.values.dtype)
    kept = drawn_edges(weights.at[to_users.edges].set(to_users.values, mode="drop"), key, share)
    of_users, of_items = (_Kept.of(block, kept) for block in (to_users, to_items))
    blocks: Any = (of_users.rescaled(of_items), of_items.rescaled(of_users))
    return Laplacian(*blocks)


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A block, which of its entries stay, and its rows' degrees^-1/2 after that."""

    block: RowBlocks
    entries: jax.Array  # f32[n, m]
    scale: jax.Array  # f32[n * b]

    @classmethod
    def of(cls, block: RowBlocks, kept: jax.Array) -> _Kept:
        entries = kept.at[block.edges].get(mode="fill", fill_value=0.0)
        height = block.row_starts.shape[1] - 1
        degrees = jax.vmap(
            lambda values, rows: jax.ops.segment_sum(values, rows, height, indices_are_sorted=True)
        )(entries, block.rows)
        return cls(block, entries, (degrees.ravel() + GUARD) ** -0.5)

    def rescaled(self, other: _Kept) -> RowBlocks:
        block, height = self.block, self.block.row_starts.shape[1] - 1
        rows = block.rows + height * jnp.arange(len(block.rows), dtype=jnp.int32)[:, None]
        values = self.entries * self.scale[rows] * other.scale[block.columns]
        return dataclasses.replace(block, values=values)
