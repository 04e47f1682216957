"""The attention-aware matrix S: Jaccard index of visited sets on the edges (eq. 5)."""

from __future__ import annotations

import jax
import numpy as np
import scipy.sparse as sp

from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.random_walk import sets_from_rows, visited_sets
from kdiffe_jax.models.kdiffe.walk_workers import WalkWorkers, fair_size, in_turn


def jaccard_on_edges(
    visited: sp.csr_array,
    sources: np.ndarray,
    targets: np.ndarray,
    *,
    chunk_size: int = 65536,
    threads: int = 1,
) -> np.ndarray:
    """`S(u, v) = |A(u) & B(v)| / |A(u) | B(v)|` for each pair (u, v) (eq. 5).

    Args:
      visited: boolean CSR [N, N], row n is the visited set of node n.
      sources, targets: int[n] node ids of the pairs.
      chunk_size: pairs handled at once by all threads; bounds the memory, never changes the
        result.
      threads: of the host.

    Returns:
      float32[n] in [0, 1]; 0 where both sets are empty.

    >>> sets = sp.csr_array(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]], bool))
    >>> print(jaccard_on_edges(sets, np.array([0, 2]), np.array([1, 2])).round(3))
    [0.333 0.   ]
    """
    sizes = np.diff(visited.indptr)
    shared = np.empty(len(sources), np.int64)

    def count(pairs: range, thread: int) -> None:
        part = slice(pairs.start, pairs.stop)
        shared[part] = visited[sources[part]].multiply(visited[targets[part]]).sum(axis=1)

    size = fair_size(len(sources), threads, at_most=-(-chunk_size // threads))
    in_turn(count, range(len(sources)), range(threads), size=size)
    union = sizes[sources] + sizes[targets] - shared
    return np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0).astype(np.float32)


def bipartite_adjacency(pairs: np.ndarray, *, n_users: int, n_items: int) -> sp.csr_array:
    """Symmetric CSR [I + J, I + J] of the user-item graph, items after users."""
    users, items = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32) + n_users
    n_nodes = n_users + n_items
    half = sp.coo_array((np.ones(len(pairs), np.float32), (users, items)), (n_nodes, n_nodes))
    return sp.csr_array(half + half.T)


def attention_similarity(
    pairs: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    options: WalkOptions,
    workers: WalkWorkers | None = None,
) -> np.ndarray:
    """S on the interactions: visited sets by random walk with restart, then Jaccard (eq. 5).

    Args:
      pairs: int[n, 2] of (user, item), the training interactions.
      n_users, n_items: sizes I and J.
      options: M, R, restart probability, start-node rule and seed.
      workers: who makes which part; S is the same bit for bit. One device if omitted.

    Returns:
      float32[n], S(u, v) in the order of `pairs`, on every process.
    """
    workers = workers or WalkWorkers.of_this_process()
    own_sets = visited_sets(
        jax.random.key(options.walk_seed),
        bipartite_adjacency(pairs, n_users=n_users, n_items=n_items),
        walk_length=options.walk_length,
        walks_per_node=options.walks_per_node,
        restart_probability=options.restart_probability,
        include_start=options.include_start,
        nodes=workers.own(n_users + n_items),
        devices=workers.devices,
    )
    own_pairs = pairs[workers.own(len(pairs))]
    own_values = jaccard_on_edges(
        _joined(own_sets, workers),
        own_pairs[:, 0],
        own_pairs[:, 1] + n_users,
        threads=len(workers.devices),
    )
    return workers.joined(own_values)


def _joined(own_sets: sp.csr_array, workers: WalkWorkers) -> sp.csr_array:
    """The visited sets of all nodes, from those of each process."""
    if workers.processes == 1:
        return own_sets
    counts = workers.joined(np.diff(own_sets.indptr).astype(np.int32))
    return sets_from_rows(counts, workers.joined(own_sets.indices), n_nodes=own_sets.shape[1])
