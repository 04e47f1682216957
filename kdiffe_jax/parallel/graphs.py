"""A run's constant structure on a mesh, and the Laplacian that loses edges there."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.config import GraphConfig
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.graph.build import graphs_of
from kdiffe_jax.graph.laplacian import dropped
from kdiffe_jax.parallel.interactions import operators_on_mesh
from kdiffe_jax.parallel.product import RowBlocks
from kdiffe_jax.parallel.row_blocks import Entries, row_blocks
from kdiffe_jax.parallel.tables import everywhere
from kdiffe_jax.types import Graphs, Laplacian, SparseOperator, TwoWay


def graphs_on_mesh(
    mesh: Mesh,
    pairs: np.ndarray,
    triples: np.ndarray,
    similarity: np.ndarray,
    *,
    share: Share = ALONE,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    drops_edges: bool = False,
    **content: Any,
) -> Graphs:
    """`build_graphs` with all matrices of users and items split by rows.

    All is made by the host's CPU, so that no device holds a matrix whole but the knowledge
    graph, which goes to every one. Where JAX has its CPU beside the accelerators, as it has
    unless `JAX_PLATFORMS` leaves it out, none holds one while it is made either.

    Args:
      mesh: of `build_mesh`.
      pairs: int32[n, 2], this process's share of the training interactions, sorted.
      triples: int[m, 3] of (item, relation, entity), of all items.
      similarity: f32[n], S on `pairs`.
      share: whose they are.
      n_users, n_items: sizes I and J.
      config: xi and the reading of D.
      drops_edges: whether `drop_edges` will be called, for which entries are numbered.
      content: the other arguments of `graphs_of`.
    """
    with jax.default_device(_cpu()):
        made = jax.device_get(graphs_of(None, None, triples, n_items=n_items, **content))
        laplacian, item_users = operators_on_mesh(
            mesh,
            pairs,
            similarity,
            share=share,
            config=config,
            drops_edges=drops_edges,
            n_users=n_users,
            n_items=n_items,
        )
    rest = everywhere(mesh, made._replace(neighbours=None))
    near = made.neighbours and TwoWay(*(_split(matrix, mesh) for matrix in made.neighbours))
    return rest._replace(laplacian=laplacian, item_users=item_users, neighbours=near)


def _split(matrix: SparseOperator, mesh: Mesh) -> RowBlocks:
    """A matrix that every process has whole."""
    entries = Entries(matrix.values, matrix.rows, matrix.columns)
    n_rows, n_entries = len(matrix.row_starts) - 1, len(matrix.values)
    return row_blocks(entries, mesh, n_rows=n_rows, n_entries=n_entries)


def _cpu() -> jax.Device | None:
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None


@dropped.register
def dropped_blocks(
    there: RowBlocks, back: RowBlocks, loops: jax.Array | None, key: jax.Array, share
) -> Laplacian:
    """`dropped` for blocks split by rows; the same edges go as on one device."""
    own = 0.0 if loops is None else 1.0
    kept = (jax.random.uniform(key, (there.n_entries,)) >= share).astype(jnp.float32)
    kept_there, kept_back = (
        kept.at[block.edges].get(mode="fill", fill_value=0.0) for block in (there, back)
    )
    of_users, of_items = _regained(there, kept_there, own), _regained(back, kept_back, own)
    if loops is not None:
        whole = jnp.concatenate([of_users[: there.n_rows], of_items[: back.n_rows]])
        loops = loops * jnp.square(whole)
    return Laplacian(
        _rescaled(there, kept_there, of_users, of_items),
        _rescaled(back, kept_back, of_items, of_users),
        loops,
    )


def _regained(block: RowBlocks, kept: jax.Array, own: float) -> jax.Array:
    """f32[n * b]: the root of a node's degree before over its degree after."""
    height = block.row_starts.shape[1] - 1

    def degrees(counted):
        def in_range(values, rows):
            return jax.ops.segment_sum(values, rows, height, indices_are_sorted=True)

        return jax.vmap(in_range)(counted, block.rows).ravel() + own

    before = degrees((block.edges < block.n_entries).astype(jnp.float32))
    return jnp.sqrt(before / jnp.maximum(degrees(kept), 1.0))


def _rescaled(block: RowBlocks, kept: jax.Array, of_rows, of_columns) -> RowBlocks:
    n_blocks, height = block.rows.shape[0], block.row_starts.shape[1] - 1
    rows = block.rows + height * jnp.arange(n_blocks, dtype=jnp.int32)[:, None]
    values = block.values * kept * (of_rows[rows] * of_columns[block.columns])
    return dataclasses.replace(block, values=values)
