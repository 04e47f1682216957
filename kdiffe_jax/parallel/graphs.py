"""A run's constant structure on a mesh, and the Laplacian that loses edges there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.graph.laplacian import dropped
from kdiffe_jax.graph.operators import transposed
from kdiffe_jax.parallel.product import RowBlocks, row_blocks
from kdiffe_jax.parallel.tables import everywhere
from kdiffe_jax.types import Graphs, Laplacian, TwoWay


def made_on_host(make: Callable[[], Graphs]) -> Graphs:
    """What `make` returns, as NumPy arrays, so that no device holds a graph whole.

    Where JAX has its CPU beside the accelerators, as it has unless `JAX_PLATFORMS` leaves it
    out, none holds it while it is made either.
    """
    with jax.default_device(_cpu()):
        return jax.device_get(make())


def split_graphs(graphs: Graphs, mesh: Mesh, *, drops_edges: bool = False) -> Graphs:
    """Splits all matrices of users and items by rows; the knowledge graph goes to every device.

    Args:
      graphs: of `build_graphs`, on a device or the host.
      mesh: of `build_mesh`.
      drops_edges: whether `drop_edges` will be called, for which entries are numbered.
    """
    (to_users, to_items, loops), neighbours = graphs.laplacian, graphs.neighbours
    rest = everywhere(mesh, graphs._replace(laplacian=loops, item_users=None, neighbours=None))
    split = partial(row_blocks, mesh=mesh)
    means = graphs.item_users
    edges = (None, None)
    if drops_edges:
        edges = np.arange(len(to_users.values), dtype=np.int32), to_users.to_transpose
    return rest._replace(
        laplacian=Laplacian(
            split(to_users, edges=edges[0]), split(to_items, edges=edges[1]), rest.laplacian
        ),
        item_users=TwoWay(split(means), split(transposed(means))),
        neighbours=neighbours and TwoWay(*map(split, neighbours)),
    )


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
