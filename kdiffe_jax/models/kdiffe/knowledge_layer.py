"""The relation-aware knowledge embedding layer (eq. 1, 2)."""

from __future__ import annotations

import flax.linen as nn
import jax

from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.segment_softmax import segment_softmax
from kdiffe_jax.ops.sparse_types import KnowledgeGraph
from kdiffe_jax.ops.spmm import multiply

_LEAKY_SLOPE = 0.2


class KnowledgeLayer(nn.Module):
    """z_j <- Norm(z_j + sum_e a(e, r, j) z_e), eq. 1, with the attention of eq. 2.

    The attention logit sigma(r^T W [z_e || z_j]) is computed in its separable form,
    r^T W_e z_e + r^T W_j z_j: two tables of scalars, [E, R] and [J, R], and one look-up
    in each per triple. sigma is LeakyReLU(0.2); the softmax runs over all of an item's
    triples together; Norm is the Euclidean norm of the row.

    Attributes:
      n_relations: R.
      dim: d.
    """

    n_relations: int
    dim: int

    def setup(self):
        init = nn.initializers.xavier_uniform()
        self.relations = self.param("relations", init, (max(1, self.n_relations), self.dim))
        self.entity_weight = self.param("entity_weight", init, (self.dim, self.dim))
        self.item_weight = self.param("item_weight", init, (self.dim, self.dim))

    def __call__(self, items: jax.Array, entities: jax.Array, graph: KnowledgeGraph) -> jax.Array:
        """Args: items f32[J, d], entities f32[E, d], graph. Returns f32[J, d], rows of length 1."""
        return unit_rows(items + multiply(self.attention(items, entities, graph), entities))

    def attention(self, items: jax.Array, entities: jax.Array, graph: KnowledgeGraph):
        """The structure of `graph` with a(e, r, j) as its values (eq. 2)."""
        entity_scores = entities @ (self.relations @ self.entity_weight).T
        item_scores = items @ (self.relations @ self.item_weight).T
        structure, relation = graph
        logits = nn.leaky_relu(
            entity_scores[structure.columns, relation] + item_scores[structure.rows, relation],
            _LEAKY_SLOPE,
        )
        attention = segment_softmax(
            logits, structure.values, structure.rows, n_segments=items.shape[0]
        )
        return structure._replace(values=attention)
