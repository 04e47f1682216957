"""Each item's nearest items as a normalised graph."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import SparsePair
from kdiffe_jax.ops.spmm import spmm


class ItemGraph(NamedTuple):
    """D^-1/2 G D^-1/2 by its parts, D the sums of the rows of G."""

    links: SparsePair  #: G, f32[J, J]
    scale: jax.Array  #: f32[J, 1], D^-1/2


def normalised_graph(links: SparsePair, n_items: int, *, epsilon: float = 0.0) -> ItemGraph:
    """Both sides over the root of the sums of the rows; a row without a positive sum is empty.

    Args:
      links: f32[J, J], also split by rows over a mesh.
      n_items: J.
      epsilon: added to the sums.
    """
    sums = spmm(*links, jnp.ones((n_items, 1), links.forward.values.dtype))
    return ItemGraph(links, inverse_root(sums, epsilon))


def inverse_root(sums: jax.Array, epsilon: float = 0.0) -> jax.Array:
    """(sums + epsilon)^-1/2, 0 with a gradient of 0 where a sum is not positive.

    >>> inverse_root(jnp.array([4.0, 0.0, -1.0])).tolist()
    [0.5, 0.0, 0.0]
    """
    positive = sums > 0
    return jnp.where(positive, jnp.where(positive, sums + epsilon, 1.0) ** -0.5, 0.0)


def binary(links: SparsePair) -> SparsePair:
    """The same links, each of weight 1; a value of 0 is no link."""
    return SparsePair(*map(_of_ones, links))


def across(graph: ItemGraph, rows: jax.Array) -> jax.Array:
    """D^-1/2 G D^-1/2 of f32[J, d], differentiable in the rows."""
    return graph.scale * spmm(*graph.links, graph.scale * rows)


def _of_ones(block: Any) -> Any:
    values = (block.values != 0).astype(block.values.dtype)
    if isinstance(block, tuple):
        return block._replace(values=values)  # type: ignore[attr-defined]
    return dataclasses.replace(block, values=values)
