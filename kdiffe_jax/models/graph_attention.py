"""Layers of attention over a knowledge graph between nodes of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.joint_knowledge import JointGraph
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.segment_softmax import segment_softmax
from kdiffe_jax.ops.spmm import multiply

_LEAKY_SLOPE = 0.2


def attended(
    params: Mapping[str, jax.Array],
    rows: jax.Array,
    graph: JointGraph,
    weights: jax.Array,
    kept: Sequence[jax.Array | None],
    *,
    residual: float,
    dropout: float,
) -> jax.Array:
    """x <- unit(drop(x_h + sum_t attention x_t)), out <- residual out + x, a layer after another.

    The attention is a softmax over a head's edges of LeakyReLU(([x_h || x_t] W) . r), which is a
    sum of one number of the head and one of the tail.

    Args:
      params: "relations" f32[2R, d], and W as "head_weight" and "tail_weight" f32[d, d].
      rows: f32[N, d], the first x and out.
      graph: its edges.
      weights: f32[edges], 0 where an edge is not there, else 1.
      kept: of each layer bool[N, d], what dropout leaves, or None for all.
      residual, dropout: as above; what dropout leaves is divided by 1 - dropout.

    Returns:
      f32[N, d], out.
    """
    edges, out = graph.edges, rows
    for mask in kept:
        attention = _attention(params, rows, graph, weights)
        rows = rows + multiply(edges._replace(values=attention), rows)
        if mask is not None:
            rows = jnp.where(mask, rows / (1.0 - dropout), 0.0)
        rows = unit_rows(rows)
        out = residual * out + rows
    return out


def _attention(params, rows: jax.Array, graph: JointGraph, weights: jax.Array) -> jax.Array:
    """f32[edges]; of each head's edges the sum is 1, or 0 where none is there."""
    edges, relations = graph.edges, graph.relations
    of_heads, of_tails = (
        rows @ (params["relations"] @ params[name].T).T for name in ("head_weight", "tail_weight")
    )
    logits = of_heads[edges.rows, relations] + of_tails[edges.columns, relations]
    logits = jax.nn.leaky_relu(logits, _LEAKY_SLOPE)
    return segment_softmax(logits, weights, edges.rows, n_segments=len(rows))
