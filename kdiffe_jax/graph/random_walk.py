"""Random walk with restart: the visited sets A_{M,R}(u) and B_{M,R}(v) of eq. 5.

From every node, R walks of M steps. In a step the walk returns to its start node with
the restart probability, and otherwise moves to a neighbour drawn uniformly. A restart
uses a step. The visited set of a node is what its R walks saw.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp


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
      chunk_size: nodes handled at once; bounds the memory, never changes the result.

    Returns:
      Boolean CSR [N, N]; row n holds the visited set of node n, sorted.
    """
    n_nodes = adjacency.shape[0]
    if adjacency.nnz == 0:
        empty = sp.csr_array((n_nodes, n_nodes), dtype=bool)
        return sp.csr_array(sp.eye_array(n_nodes, dtype=bool)) if include_start else empty
    row_starts = jnp.asarray(adjacency.indptr, jnp.int32)
    neighbours = jnp.asarray(adjacency.indices, jnp.int32)
    counts, members = [], []
    for first in range(0, n_nodes, chunk_size):
        # The last chunk repeats the last node, so that one compilation serves all.
        starts = np.minimum(np.arange(first, first + chunk_size), n_nodes - 1)
        positions = walk_positions(
            key,
            jnp.asarray(starts, jnp.int32),
            row_starts,
            neighbours,
            restart_probability,
            walk_length=walk_length,
            walks_per_node=walks_per_node,
        )
        size = min(chunk_size, n_nodes - first)
        chunk_counts, chunk_members = _distinct(
            np.asarray(positions)[:size], starts[:size], include_start
        )
        counts.append(chunk_counts)
        members.append(chunk_members)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    indices = np.concatenate(members)
    return sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(n_nodes, n_nodes))


def _distinct(positions, starts, include_start: bool) -> tuple[np.ndarray, np.ndarray]:
    if include_start:
        positions = np.concatenate([positions, starts[:, None].astype(positions.dtype)], axis=1)
    ordered = np.sort(positions, axis=1)
    fresh = np.ones(ordered.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return fresh.sum(axis=1), ordered[fresh]
