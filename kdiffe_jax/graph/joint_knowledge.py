"""One knowledge graph of items and entities, in both directions."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.ops.sparse import operator_from_entries
from kdiffe_jax.ops.sparse_types import SparseOperator


class JointGraph(NamedTuple):
    """Edges between nodes, items 0 .. J - 1 and then entities; every edge is there both ways.

    As edges are sorted by (head, tail), `edges.to_transpose` names the reverse of each.
    """

    edges: SparseOperator  #: [N, N] of 1, N = J + E; rows are heads
    relations: jax.Array  #: i32[n] of 0 .. 2R - 1; r + R is the inverse of r
    near: jax.Array  #: f32[n], 1 for the few tails of a head that are drawn


def between_nodes(
    triples: np.ndarray, entity_items: np.ndarray | None, *, n_items: int
) -> np.ndarray:
    """Triples with nodes in place of items and entities; an entity that is an item has its node.

    Args:
      triples: int[m, 3] of (item, relation, entity).
      entity_items: int[E], the item that an entity is, else -1; None where none is one.
      n_items: J.

    >>> between_nodes(np.array([(0, 0, 1), (1, 0, 0)]), np.array([0, -1]), n_items=2).tolist()
    [[0, 0, 3], [1, 0, 0]]
    """
    heads, relations, entities = triples.T
    tails = n_items + entities
    if entity_items is not None:
        items = np.asarray(entity_items)[entities]
        tails = np.where(items >= 0, items, tails)
    return np.stack([heads, relations, tails], axis=1)


def joint_graph(
    triples: np.ndarray, *, n_nodes: int, n_relations: int, tails_per_head: int, seed: int
) -> JointGraph:
    """The graph of triples and their inverses; of several relations of a pair the first stays.

    Args:
      triples: int[m, 3] of (head, relation, tail), nodes and relations.
      n_nodes, n_relations: N and R.
      tails_per_head: of each node so many tails are drawn, at most; 0: all.
      seed: of the draw.

    >>> triples = np.array([(0, 0, 3), (0, 1, 3), (1, 0, 3)])
    >>> graph = joint_graph(triples, n_nodes=4, n_relations=2, tails_per_head=1, seed=0)
    >>> graph.edges.rows.tolist(), graph.edges.columns.tolist(), graph.relations.tolist()
    ([0, 1, 3, 3], [3, 3, 0, 1], [0, 0, 2, 2])
    >>> float(graph.near.sum())
    3.0
    """
    heads, relations, tails = triples[np.lexsort(triples[:, [2, 1, 0]].T)].T.astype(np.int64)
    ends = np.concatenate([heads, tails]), np.concatenate([tails, heads])
    pairs, first = np.unique(ends[0] * n_nodes + ends[1], return_index=True)
    rows, columns = np.divmod(pairs, n_nodes)
    of_pairs = np.concatenate([relations, relations + n_relations])[first]
    near = _drawn(rows, n_nodes, tails_per_head or len(rows), np.random.default_rng(seed))
    edges = operator_from_entries(np.ones(len(rows)), rows, columns, shape=(n_nodes, n_nodes))
    return JointGraph(edges, jnp.asarray(of_pairs, jnp.int32), jnp.asarray(near, float))


def own_rows(graph: JointGraph, n_items: int) -> jax.Array:
    """f32[N], 1 where a node has a row of its own; an entity without an edge is an item's node.

    Args:
      graph: see `JointGraph`.
      n_items: J; every item has a row, without edges too.
    """
    degrees = jnp.diff(graph.edges.row_starts)
    is_item = jnp.arange(len(degrees)) < n_items
    return (is_item | (degrees > 0)).astype(graph.near.dtype)


def _drawn(heads: np.ndarray, n_nodes: int, at_most: int, rng: np.random.Generator) -> np.ndarray:
    """bool[n]: `at_most` edges of each head, at random; heads are sorted."""
    starts = np.searchsorted(heads, np.arange(n_nodes))
    order = np.lexsort([rng.random(len(heads)), heads])
    drawn = np.empty(len(heads), bool)
    drawn[order] = np.arange(len(heads)) - starts[heads] < at_most
    return drawn
