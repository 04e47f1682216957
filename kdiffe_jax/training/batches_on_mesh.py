"""An epoch's batches on a mesh: every step's interactions and items split along "data".

A process looks up the interactions of its own users, passes them round, and keeps those that
the devices of its own take.
"""

from __future__ import annotations

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.parallel.row_blocks import own_ranges
from kdiffe_jax.parallel.tables import WHOLE
from kdiffe_jax.training.sampler import InteractionSampler

COLUMNS = PartitionSpec(None, "data")


def sharded_batches(mesh: Mesh, sampler: InteractionSampler, number: int) -> Batch:
    """The batches of an epoch, laid on the mesh; widths that do not divide are padded.

    Args:
      mesh: of `build_mesh`.
      sampler: of each process's share of the interactions, with one seed.
      number: of the epoch.

    Returns:
      Arrays [steps, padded width, ...], a share of the columns on each device along "data".
    """
    of, numbers = mesh.shape["data"], np.flatnonzero(own_ranges(mesh)).tolist()
    triplets, row_nodes = sampler.drawn(number)
    found = sampler.laid(sampler.share.pieces(triplets), row_nodes, numbers, of=of)
    shares = dict(zip(numbers, found, strict=True))
    on_mesh = NamedSharding(mesh, COLUMNS)

    def laid(field: str, width: int) -> jax.Array:
        padded = -(-width // of) * of
        shape = (sampler.steps, padded, *getattr(found[0], field).shape[2:])

        def part(index):
            start = index[1].start or 0
            return getattr(shares[start * of // padded], field)

        return jax.make_array_from_callback(shape, on_mesh, part)

    return Batch(*map(laid, Batch._fields, _widths(sampler)))


def whole_batch(mesh: Mesh, sampler: InteractionSampler, batch: Batch) -> Batch:
    """One step's batch as one device has it, on every device; traced.

    Args:
      mesh, sampler: as in `sharded_batches`.
      batch: one step of what that returned.
    """
    replicated = NamedSharding(mesh, WHOLE)

    def joined(leaf: jax.Array, width: int) -> jax.Array:
        return jax.lax.with_sharding_constraint(leaf, replicated)[:width]

    return Batch(*map(joined, batch, _widths(sampler)))


def _widths(sampler: InteractionSampler) -> tuple[int, ...]:
    interactions, items = sampler.interactions_of_step, sampler.nodes_of_step
    return (*(interactions,) * 4, *(items,) * 2)
