"""Users, items and entities -> embeddings of a view (eq. 1-3, 6, 7)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import View
from kdiffe_jax.models.kdiffe.knowledge_layer import KnowledgeLayer
from kdiffe_jax.ops.propagate import propagate, propagate_items
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.sparse_types import KnowledgeGraph, Laplacian, SparsePair
from kdiffe_jax.ops.spmm import multiply


class Encoder(nn.Module):
    """Embedding tables, the knowledge layer and the propagation that both views share.

    The main view reads the given knowledge graph, the contrastive view the rebuilt one;
    parameters and Laplacian are the same.

    Attributes:
      n_users, n_items, n_entities, n_relations: sizes I, J, E and R.
      dim: d.
      layers: L.
      pooling: of the layers; "sum" is our reading of the paper.
      neighbour_weight: weight of the nearest items in the items' layer 0; 0 is the paper.
      last_neighbour_weight: weight of the same rows, made of length 1, beside the layers of the
        items; 0 is the paper.
    """

    n_users: int
    n_items: int
    n_entities: int
    n_relations: int
    dim: int
    layers: int
    pooling: str = "sum"
    neighbour_weight: float = 0.0
    last_neighbour_weight: float = 0.0

    def setup(self):
        init = nn.initializers.xavier_uniform()
        self.user_embedding = self.param("user_embedding", init, (self.n_users, self.dim))
        self.item_embedding = self.param("item_embedding", init, (self.n_items, self.dim))
        self.entity_embedding = self.param("entity_embedding", init, (self.n_entities, self.dim))
        self.knowledge = KnowledgeLayer(self.n_relations, self.dim)

    def __call__(
        self,
        laplacian: Laplacian,
        graph: KnowledgeGraph,
        entity_items: jax.Array | None = None,
        neighbours: SparsePair | None = None,
    ) -> View:
        """The view of a knowledge graph.

        Args:
          laplacian: eq. 4.
          graph: the given or the rebuilt knowledge graph.
          entity_items: i32[E], the item that an entity is, whose embedding it then
            shares; -1 for entities with an embedding of their own. None: all have one.
          neighbours: f32[J, J], nearest items by content; needed where they have weight.
        """
        rows, beside = self._layer_zero(graph, entity_items, neighbours)
        users, items = propagate(laplacian, self.user_embedding, rows, **self._pooled)
        return View(users, items + beside)

    def two_views(
        self,
        laplacian: Laplacian,
        graph: KnowledgeGraph,
        other: KnowledgeGraph,
        entity_items: jax.Array | None = None,
        neighbours: SparsePair | None = None,
    ) -> tuple[View, View]:
        """The views of two knowledge graphs, for one and a half times the price of one.

        They differ in layer 0 of the items alone, and propagation is linear.

        Args:
          laplacian, graph, entity_items, neighbours: as in `__call__`.
          other: the second knowledge graph.
        """
        (rows, beside), (others, beside_others) = (
            self._layer_zero(g, entity_items, neighbours) for g in (graph, other)
        )
        users, items = propagate(laplacian, self.user_embedding, rows, **self._pooled)
        of_users, of_items = propagate_items(laplacian, others - rows, **self._pooled)
        one = View(users, items + beside)
        return one, View(users + of_users, items + of_items + beside_others)

    @property
    def _pooled(self):
        return dict(layers=self.layers, pooling=self.pooling)

    def item_rows(
        self,
        graph: KnowledgeGraph,
        entity_items: jax.Array | None,
        neighbours: SparsePair | None = None,
    ) -> jax.Array:
        """f32[J, d]: layer 0 of the items (eq. 1), with their neighbours where they have weight."""
        return self._layer_zero(graph, entity_items, neighbours)[0]

    def _layer_zero(self, graph, entity_items, neighbours):
        """f32[J, d] of `item_rows`, and what the last rows have beside their layers, or 0."""
        items = self.knowledge(self.item_embedding, self.entities(entity_items), graph)
        if not self.neighbour_weight:
            return items, 0.0
        near = multiply(neighbours, items)
        beside = self.last_neighbour_weight and self.last_neighbour_weight * unit_rows(near)
        return items + self.neighbour_weight * near, beside

    def attention(self, graph: KnowledgeGraph, entity_items: jax.Array | None) -> jax.Array:
        """f32[nnz]: a(e, r, j) of every triple of a knowledge graph (eq. 2)."""
        entities = self.entities(entity_items)
        return self.knowledge.attention(self.item_embedding, entities, graph).values

    def entities(self, entity_items: jax.Array | None) -> jax.Array:
        """f32[E, d]: what the knowledge layer reads of every entity."""
        if entity_items is None:
            return self.entity_embedding
        of_items = self.item_embedding[jnp.maximum(entity_items, 0)]
        return jnp.where(entity_items[:, None] >= 0, of_items, self.entity_embedding)
