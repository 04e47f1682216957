"""All constant structure of a training run, from plain arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import sparse

from kdiffe_jax.config import GraphConfig
from kdiffe_jax.graph.knowledge import entity_rows, knowledge_graph, usual_relation
from kdiffe_jax.graph.laplacian import attention_laplacian, mean_of_users
from kdiffe_jax.graph.operators import host_operator, laplacian_blocks, sparse_operator, two_way
from kdiffe_jax.types import Graphs, Laplacian


def build_laplacian(
    pairs: np.ndarray, similarity: np.ndarray, *, n_users: int, n_items: int, config: GraphConfig
) -> Laplacian:
    """The blocks of eq. 4; arguments as those of `build_graphs`."""
    matrix = attention_laplacian(
        jnp.asarray(pairs[:, 0]),
        jnp.asarray(pairs[:, 1]),
        similarity,
        n_users=n_users,
        n_items=n_items,
        xi=config.xi,
        degree_from=config.degree_from,
        self_loops=config.self_loops,
    )
    return laplacian_blocks(matrix, n_users=n_users)


def build_graphs(
    pairs: np.ndarray,
    triples: np.ndarray,
    similarity: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    **content: Any,
) -> Graphs:
    """The Laplacian (eq. 4), the guidance operator (eq. 11) and the knowledge graph.

    Args:
      pairs: int[n, 2] of (user, item), the training interactions, sorted and unique.
      triples: int[m, 3] of (item, relation, entity), sorted and unique.
      similarity: f32[n], S on the interactions (eq. 5).
      n_users, n_items: sizes I and J.
      config: xi and the reading of D.
      content: the other arguments of `graphs_of`.
    """
    users, items = jnp.asarray(pairs[:, 0]), jnp.asarray(pairs[:, 1])
    return graphs_of(
        build_laplacian(pairs, similarity, n_users=n_users, n_items=n_items, config=config),
        sparse_operator(mean_of_users(users, items, n_users=n_users, n_items=n_items)),
        triples,
        n_items=n_items,
        **content,
    )


def graphs_of(
    laplacian: Any,
    item_users: Any,
    triples: np.ndarray,
    *,
    n_items: int,
    n_entities: int,
    n_relations: int,
    n_columns: int | None = None,
    entity_items: np.ndarray | None = None,
    neighbours: sparse.csr_array | None = None,
    stand_ins: sparse.csr_array | None = None,
) -> Graphs:
    """All that comes of the items' content, beside two operators that come of interactions.

    Args:
      laplacian, item_users: of `Graphs`; None where they are made elsewhere.
      triples: int[m, 3] of (item, relation, entity), sorted and unique.
      n_items, n_entities, n_relations: sizes J, E and R.
      n_columns: of the denoiser's row; E if omitted.
      entity_items: int[E], the items whose embeddings entities share, else -1; None
        where every entity has an embedding of its own.
      neighbours: f32[J, J], nearest items by content; None where they have no weight.
      stand_ins: f32[J, J], `data.cold_items.stand_ins`; None where cold items rank by their
        own embeddings.
    """
    heads, relations, tails = jnp.asarray(triples, jnp.int32).T
    return Graphs(
        laplacian=laplacian,
        item_users=item_users,
        knowledge=knowledge_graph(
            heads,
            relations,
            tails,
            jnp.ones(len(triples)),
            n_items=n_items,
            n_entities=n_entities,
        ),
        rows=entity_rows(triples, n_items=n_items, n_entities=n_entities, n_columns=n_columns),
        entity_relation=usual_relation(triples, n_entities=n_entities, n_relations=n_relations),
        entity_items=None if entity_items is None else jnp.asarray(entity_items, jnp.int32),
        neighbours=None if neighbours is None else two_way(neighbours),
        stand_ins=None if stand_ins is None else host_operator(stand_ins),
    )
