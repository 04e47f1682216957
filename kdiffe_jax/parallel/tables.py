"""Tables and whatever has their shape, split over the devices of a mesh.

A table is a leaf of two axes: an embedding, a matrix of weights, Adam's moments of either.
Sizes that do not divide are padded with zeros. Zeros receive no gradient, so they stay.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.parallel.processes import on_host, placed

TABLE = PartitionSpec("data", "model")
WHOLE = PartitionSpec()


def shardings(mesh: Mesh, like: Any) -> Any:
    """For each leaf, how it lies on the mesh: tables split, all else on every device.

    Args:
      mesh: of `build_mesh`.
      like: a pytree whose leaves have a shape.
    """
    return jax.tree.map(lambda leaf: NamedSharding(mesh, TABLE if _is_table(leaf) else WHOLE), like)


def shard(mesh: Mesh, tree: Any) -> Any:
    """Pads the tables of a pytree and lays all its leaves on the mesh."""
    padded = jax.tree.map(lambda leaf: _padded(leaf, tuple(mesh.shape.values())), tree)
    return jax.tree.map(placed, padded, shardings(mesh, padded))


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Lays all leaves of a pytree whole on every device of the mesh."""
    return jax.tree.map(lambda leaf: placed(leaf, NamedSharding(mesh, WHOLE)), tree)


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
    """The pytree on the host, as it was before `shard`; typed keys become local."""
    return unpad(jax.tree.map(on_host, tree), like)


def bytes_per_device(tree: Any) -> dict[int, int]:
    """How many bytes of a pytree each device holds, by the device's id."""
    held: dict[int, int] = {}
    for leaf in jax.tree.leaves(tree):
        for shard in leaf.addressable_shards:
            held[shard.device.id] = held.get(shard.device.id, 0) + shard.data.nbytes
    return held


def _is_table(leaf) -> bool:
    return len(leaf.shape) == 2


def _padded(leaf, counts: tuple[int, ...]):
    if not _is_table(leaf):
        return leaf
    missing = [(0, -size % count) for size, count in zip(leaf.shape, counts, strict=True)]
    return np.pad(np.asarray(leaf), missing)
