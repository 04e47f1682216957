"""Tables and whatever has their shape, split over the devices of a mesh.

A table is a leaf of two axes: an embedding, a matrix of weights, Adam's moments of either.
Sizes that do not divide are padded with zeros. Zeros receive no gradient, so they stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.parallel.processes import from_process_zero, is_process_zero, on_host, placed

TABLE = PartitionSpec("data", "model")
WHOLE = PartitionSpec()


def shardings(mesh: Mesh, like: Any) -> Any:
    """For each leaf, how it lies on the mesh: tables split, all else on every device.

    Args:
      mesh: of `build_mesh`.
      like: a pytree whose leaves have a shape.
    """
    return jax.tree.map(lambda leaf: NamedSharding(mesh, TABLE if _is_table(leaf) else WHOLE), like)


def padded(mesh: Mesh, tree: Any) -> Any:
    """A pytree with its tables padded until their sizes divide; may be traced."""
    return jax.tree.map(lambda leaf: _padded(leaf, tuple(mesh.shape.values())), tree)


def split(mesh: Mesh, tree: Any) -> Any:
    """`padded`, and each table split as `shard` splits it; traced, as is its gradient."""
    found = padded(mesh, tree)
    return jax.tree.map(jax.lax.with_sharding_constraint, found, shardings(mesh, found))


def shard(mesh: Mesh, tree: Any) -> Any:
    """Pads the tables of a pytree and lays all its leaves on the mesh, one leaf after another."""
    return jax.tree.map(
        lambda leaf, lies: placed(padded(mesh, leaf), lies), tree, shardings(mesh, tree)
    )


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Lays all leaves of a pytree whole on every device of the mesh."""
    return jax.tree.map(lambda leaf: placed(leaf, NamedSharding(mesh, WHOLE)), tree)


def shard_from_process_zero(mesh: Mesh, tree: Any, like: Any) -> Any:
    """`shard` of a pytree that process 0 alone has; the others receive it leaf by leaf.

    Args:
      mesh: of `build_mesh`.
      tree: None on all processes but the first.
      like: its structure, shapes and dtypes.
    """
    return _from_process_zero(partial(shard, mesh), tree, like)


def replicate_from_process_zero(mesh: Mesh, tree: Any, like: Any) -> Any:
    """`replicate` of a pytree that process 0 alone has; arguments as of the above."""
    return _from_process_zero(partial(replicate, mesh), tree, like)


def shapes(tree: Any) -> Any:
    """The shapes and dtypes of a pytree."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)


def unpad(tree: Any, like: Any) -> Any:
    """Takes the padding off; differentiable, may be traced.

    Args:
      tree: padded as by `shard`.
      like: the same structure with the shapes from before.
    """
    return jax.tree.map(
        lambda leaf, model: leaf[: model.shape[0], : model.shape[1]] if _is_table(leaf) else leaf,
        tree,
        like,
    )


def gather(tree: Any, like: Any) -> Any:
    """The pytree on the host of process 0, as it was before `shard`; None on all other processes.

    Every process takes part, and holds no more than a leaf whole. Typed keys become local.
    """

    def whole(leaf, model):
        found = on_host(leaf)
        return unpad(found, model) if is_process_zero() else None

    found = jax.tree.map(whole, tree, like)
    return found if is_process_zero() else None


def bytes_per_device(tree: Any) -> dict[int, int]:
    """How many bytes of a pytree each device holds, by the device's id."""
    held: dict[int, int] = {}
    for leaf in jax.tree.leaves(tree):
        for shard in leaf.addressable_shards:
            held[shard.device.id] = held.get(shard.device.id, 0) + shard.data.nbytes
    return held


def _from_process_zero(lay: Callable[[Any], Any], tree: Any, like: Any) -> Any:
    leaves, structure = jax.tree.flatten(like)
    given = jax.tree.leaves(tree) or leaves
    laid = [lay(from_process_zero(*pair)) for pair in zip(given, leaves, strict=True)]
    return jax.tree.unflatten(structure, laid)


def _is_table(leaf) -> bool:
    return len(leaf.shape) == 2


def _padded(leaf, counts: tuple[int, ...]):
    if not _is_table(leaf):
        return leaf
    missing = [(0, -size % count) for size, count in zip(leaf.shape, counts, strict=True)]
    return (jnp if isinstance(leaf, jax.Array) else np).pad(leaf, missing)
