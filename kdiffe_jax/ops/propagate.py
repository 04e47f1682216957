"""Propagation over the user-item graph (eq. 3, 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.ops.spmm import spmm

Layer = tuple[jax.Array, ...]  # rows of every kind of node


def propagate(
    laplacian: Laplacian,
    users: jax.Array,
    items: jax.Array,
    *,
    layers: int,
    pooling: str = "sum",
) -> tuple[jax.Array, jax.Array]:
    """Z, L Z, L^2 Z ... L^layers Z, pooled (eq. 3, 6; the sum over layers is KDiffE's reading).

    Args:
      laplacian: L by its blocks (eq. 4).
      users: f32[I, d], layer 0.
      items: f32[J, d], layer 0.
      layers: at least 0.
      pooling: "sum" or "mean" of the layers, or the "last".

    Returns:
      f32[I, d] and f32[J, d].
    """
    return pooled(layers_of(partial(next_layer, laplacian), (users, items), layers), pooling)


def layers_of(next_layer: Callable[..., Layer], first: Layer, count: int) -> list[Layer]:
    """A layer, and as many more, each made of the one before.

    Args:
      next_layer: rows of users, of items and so on -> the same of the next layer.
      first: f32[I, d], f32[J, d] and so on.
      count: of layers after it.
    """
    layers = [first]
    for _ in range(count):
        layers.append(next_layer(*layers[-1]))
    return layers


def next_layer(
    laplacian: Laplacian, users: jax.Array, items: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """L Z of one layer's users f32[I, d] and items f32[J, d] (eq. 3)."""
    to_users, to_items = laplacian
    return spmm(to_users, to_items, items), spmm(to_items, to_users, users)


def pooled(layers: Sequence[Layer], pooling: str) -> Layer:
    """Layers as one.

    Args:
      layers: f32[I, d], f32[J, d] and so on of each, layer 0 first.
      pooling: "sum" or "mean" of the layers, or the "last".

    >>> one, two = jnp.ones((1, 2)), 3 * jnp.ones((1, 2))
    >>> [side.tolist() for side in pooled([(one, two), (two, one)], "mean")]
    [[[2.0, 2.0]], [[2.0, 2.0]]]
    """
    if pooling == "last":
        return layers[-1]
    sums = tuple(sum(kind[1:], start=kind[0]) for kind in zip(*layers, strict=True))
    scale = 1.0 / len(layers)
    return tuple(scale * rows for rows in sums) if pooling == "mean" else sums


def propagate_items(
    laplacian: Laplacian, items: jax.Array, *, layers: int, pooling: str = "sum"
) -> tuple[jax.Array, jax.Array]:
    """`propagate` with zero users, for half the products.

    A layer of item rows reaches users only, and the next one items only. Propagation is
    linear, so a view that differs in its items alone is another view plus this of the
    difference.

    Args:
      laplacian, items, layers, pooling: as in `propagate`.
    """
    to_users, to_items = laplacian
    shape = jax.eval_shape(lambda rows: spmm(to_users, to_items, rows), items).shape
    nothing = jnp.zeros(shape, items.dtype)
    of_users, of_items, rows = nothing, items, items
    for layer in range(layers):
        if layer % 2 == 0:
            rows = spmm(to_users, to_items, rows)
            of_users = of_users + rows
        else:
            rows = spmm(to_items, to_users, rows)
            of_items = of_items + rows
    if pooling == "last":
        return (rows, jnp.zeros_like(items)) if layers % 2 else (nothing, rows)
    scale = 1.0 / (layers + 1) if pooling == "mean" else None
    return (of_users, of_items) if scale is None else (scale * of_users, scale * of_items)
