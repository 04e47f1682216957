"""Random walk with restart: the visited sets A_{M,R}(u) and B_{M,R}(v) of eq. 5.

From every node, R walks of M steps. In a step the walk returns to its start node with
the restart probability, and otherwise moves to a neighbour drawn uniformly. A restart
uses a step. The visited set of a node is what its R walks saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from kdiffe_jax.models.kdiffe.walk_workers import fair_size, in_turn


@partial(jax.jit, static_argnames=("walk_length", "walks_per_node"))
def walk_positions(
    key: jax.Array,
    starts: jax.Array,
    row_starts: jax.Array,
    neighbours: jax.Array,
    restart_probability: float,
    *,
    walk_length: int,
    walks_per_node: int,
) -> jax.Array:
    """Nodes that the walks from `starts` stand on after each step.

    A node's randomness is drawn from the key folded with its id, so the walks of a
    node do not depend on which other nodes are handled in the same call. A node
    without neighbours stays where it is.

    Args:
      key: typed PRNG key; it is consumed.
      starts: i32[n] start nodes.
      row_starts: i32[N + 1] and
      neighbours: i32[edges], the adjacency lists.
      restart_probability: in [0, 1].
      walk_length: M.
      walks_per_node: R.

    Returns:
      i32[n, R * M].
    """
    keys = jax.vmap(lambda node: jax.random.fold_in(key, node))(starts)
    shape = (walk_length, walks_per_node, 2)
    uniforms = jax.vmap(lambda k: jax.random.uniform(k, shape))(keys)

    def step(position, draw):
        first = row_starts[position]
        degree = row_starts[position + 1] - first
        pick = jnp.minimum((draw[..., 0] * degree).astype(jnp.int32), degree - 1)
        moved = neighbours[jnp.where(degree > 0, first + pick, 0)]
        moved = jnp.where(degree > 0, moved, position)
        position = jnp.where(draw[..., 1] < restart_probability, home, moved)
        return position, position

    home = jnp.broadcast_to(starts[:, None], (len(starts), walks_per_node))
    _, positions = jax.lax.scan(step, home, jnp.moveaxis(uniforms, 1, 0))
    return jnp.moveaxis(positions, 0, 1).reshape(len(starts), -1)


def visited_sets(
    key: jax.Array,
    adjacency: sp.csr_array,
    *,
    walk_length: int,
    walks_per_node: int,
    restart_probability: float,
    include_start: bool,
    chunk_size: int = 4096,
    nodes: range | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> sp.csr_array:
    """Which nodes the walks from each node visit.

    Args:
      key: typed PRNG key; it is consumed.
      adjacency: [N, N], symmetric for an undirected graph; values are ignored.
      walk_length: M, steps a walk.
      walks_per_node: R, walks a node.
      restart_probability: chance that a step returns to the start node.
      include_start: whether a node belongs to its own set even where no walk returned.
        Without it, a node is in its own set only where a walk came back to it.
      chunk_size: nodes handled at once by a device; bounds the memory, never changes the
        result.
      nodes: whose walks, all N if omitted; the sets of a node are the same in any range.
      devices: that walk, each with the whole adjacency; the first one if omitted.

    Returns:
      Boolean CSR [n, N]; row i holds the visited set of node `nodes[i]`, sorted.
    """
    n_nodes = adjacency.shape[0]
    nodes = range(n_nodes) if nodes is None else nodes
    if adjacency.nnz == 0:
        own = sp.csr_array(sp.eye_array(n_nodes, dtype=bool))
        return (own if include_start else sp.csr_array((n_nodes, n_nodes), dtype=bool))[nodes]
    devices = devices or jax.local_devices()[:1]
    lists = tuple(np.asarray(a, np.int32) for a in (adjacency.indptr, adjacency.indices))
    lists_on = {device: jax.device_put(lists, device) for device in devices}

    size = fair_size(len(nodes), len(devices), at_most=chunk_size)

    def visited(chunk: range, device: jax.Device) -> tuple[np.ndarray, np.ndarray]:
        # The last chunk repeats the last node, so that one compilation serves all.
        starts = np.minimum(np.arange(chunk.start, chunk.start + size), n_nodes - 1)
        positions = walk_positions(
            key,
            jax.device_put(starts.astype(np.int32), device),
            *lists_on[device],
            restart_probability,
            walk_length=walk_length,
            walks_per_node=walks_per_node,
        )
        own = slice(len(chunk))
        return _distinct(np.asarray(positions)[own], starts[own], include_start)

    sets = in_turn(visited, nodes, devices, size=size)
    counts, members = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    return sets_from_rows(counts, members, n_nodes=n_nodes)


def sets_from_rows(counts: np.ndarray, members: np.ndarray, *, n_nodes: int) -> sp.csr_array:
    """Sets of nodes as boolean CSR: the size of each, and their members one after another."""
    indptr = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    shape = (len(counts), n_nodes)
    return sp.csr_array((np.ones(len(members), bool), members, indptr), shape=shape)


def _distinct(positions, starts, include_start: bool) -> tuple[np.ndarray, np.ndarray]:
    if include_start:
        positions = np.concatenate([positions, starts[:, None].astype(positions.dtype)], axis=1)
    ordered = np.sort(positions, axis=1)
    fresh = np.ones(ordered.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return fresh.sum(axis=1), ordered[fresh]
