"""Users, items and entities -> embeddings of a view (eq. 1-3, 6, 7)."""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from kdiffe_jax.graph.propagate import across, propagate, propagate_items
from kdiffe_jax.model.knowledge import KnowledgeLayer
from kdiffe_jax.rowwise import row_dots
from kdiffe_jax.types import KnowledgeGraph, Laplacian, TwoWay


class View(NamedTuple):
    """Final embeddings of one view."""

    users: jax.Array  #: f32[I, d]
    items: jax.Array  #: f32[J, d]


class Encoder(nn.Module):
    """Embedding tables, the knowledge layer and the propagation that both views share.

    The main view reads the given knowledge graph, the contrastive view the rebuilt one;
    parameters and Laplacian are the same.

    Attributes:
      n_users, n_items, n_entities, n_relations: sizes I, J, E and R.
      dim: d.
      layers: L.
      item_residual: weight of the item's own embedding added after eq. 1; 0 is the paper.
      neighbour_weight: weight of the nearest items in the items' layer 0; 0 is the paper.
      neighbour_smoothing: weight of the nearest items in the final item; 0 is the paper.
    """

    n_users: int
    n_items: int
    n_entities: int
    n_relations: int
    dim: int
    layers: int
    item_residual: float = 0.0
    neighbour_weight: float = 0.0
    neighbour_smoothing: float = 0.0

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
        neighbours: TwoWay | None = None,
    ) -> View:
        """The view of a knowledge graph.

        Args:
          laplacian: eq. 4.
          graph: the given or the rebuilt knowledge graph.
          entity_items: i32[E], the item that an entity is, whose embedding it then
            shares; -1 for entities with an embedding of their own. None: all have one.
          neighbours: f32[J, J], nearest items by content; needed where they have weight.
        """
        items = self.item_rows(graph, entity_items, neighbours)
        users, items = propagate(laplacian, self.user_embedding, items, layers=self.layers)
        return View(users, self._smoothed(items, neighbours))

    def two_views(
        self,
        laplacian: Laplacian,
        graph: KnowledgeGraph,
        other: KnowledgeGraph,
        entity_items: jax.Array | None = None,
        neighbours: TwoWay | None = None,
    ) -> tuple[View, View]:
        """The views of two knowledge graphs, for one and a half times the price of one.

        They differ in layer 0 of the items alone, and propagation is linear.

        Args:
          laplacian, graph, entity_items, neighbours: as in `__call__`.
          other: the second knowledge graph.
        """
        items, others = (self.item_rows(g, entity_items, neighbours) for g in (graph, other))
        change = others - items
        users, items = propagate(laplacian, self.user_embedding, items, layers=self.layers)
        of_users, of_items = propagate_items(laplacian, change, layers=self.layers)
        main = View(users, self._smoothed(items, neighbours))
        return main, View(users + of_users, main.items + self._smoothed(of_items, neighbours))

    def item_rows(
        self,
        graph: KnowledgeGraph,
        entity_items: jax.Array | None,
        neighbours: TwoWay | None = None,
    ) -> jax.Array:
        """f32[J, d]: layer 0 of the items (eq. 1), with their neighbours where they have weight."""
        items = self.knowledge(self.item_embedding, self.entities(entity_items), graph)
        items = items + self.item_residual * self.item_embedding
        if self.neighbour_weight:
            items = items + self.neighbour_weight * across(*neighbours, items)
        return items

    def _smoothed(self, items: jax.Array, neighbours: TwoWay | None) -> jax.Array:
        if not self.neighbour_smoothing:
            return items
        return items + self.neighbour_smoothing * across(*neighbours, items)

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


def scores(users: jax.Array, items: jax.Array) -> jax.Array:
    """y = z_u^T z_v for matching rows (eq. 7).

    Args:
      users, items: f32[..., d].

    Returns:
      f32[...].

    >>> float(scores(jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0])))
    11.0
    """
    return row_dots(users, items)
