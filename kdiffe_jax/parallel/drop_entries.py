"""Entries dropped from a Laplacian that is split over a mesh, each direction for itself."""

from __future__ import annotations

import dataclasses

import jax

from kdiffe_jax.graph.drop_entries import kept_over_share, thinned
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.parallel.product import RowBlocks


@thinned.register
def thinned_blocks(  # type: ignore[misc]
    to_users: RowBlocks, to_items: RowBlocks, key: jax.Array, share: float
) -> Laplacian:
    """`thinned` for blocks split by rows; the same edges go as on one device."""
    factors = kept_over_share(key, to_users.n_entries, share)

    def with_fewer(block: RowBlocks) -> RowBlocks:
        of_block = factors.at[block.edges].get(mode="fill", fill_value=0.0)
        return dataclasses.replace(block, values=block.values * of_block)

    return Laplacian(with_fewer(to_users), with_fewer(to_items))  # type: ignore[arg-type]
