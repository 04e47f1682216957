"""A training over the devices of a mesh: state, Laplacian, batches and ranking are split."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding

import kdiffe_jax.parallel.drop_edges  # noqa: F401  registers the form of split blocks
import kdiffe_jax.parallel.drop_entries  # noqa: F401  likewise
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.models.arrays import View
from kdiffe_jax.ops.sparse_types import KnowledgeGraph, SparseOperator, SparsePair
from kdiffe_jax.parallel.evaluation import (
    evaluate_sharded,
    padded_rows,
    sharded_task,
    view_shardings,
)
from kdiffe_jax.parallel.interactions import operators_on_mesh
from kdiffe_jax.parallel.product import RowBlocks
from kdiffe_jax.parallel.row_blocks import Entries, row_blocks
from kdiffe_jax.parallel.tables import (
    WHOLE,
    gather,
    padded,
    replicate,
    replicate_from_process_zero,
    shapes,
    shard_from_process_zero,
    shardings,
    split,
    unpad,
)
from kdiffe_jax.parallel.triples import split_triples
from kdiffe_jax.training.batches_on_mesh import sharded_batches, whole_batch
from kdiffe_jax.training.epoch import Layout, ranking_view, refresh, run_epoch
from kdiffe_jax.training.placement import Compiled, Placement


class OnMesh(Placement):
    """Rows over the axis "data", columns of tables over "model".

    A state stays on its devices from one epoch to the next. Checkpoints hold it as one device has
    it, so they do not depend on the number of devices.

    Args:
      mesh: of `parallel.mesh.build_mesh`.
      share: whose interactions this process has.
    """

    alone = False

    def __init__(self, mesh: Mesh, share: Share = ALONE):
        self.mesh, self.share = mesh, share
        this = jax.process_index()
        self.devices = [d for d in mesh.devices.flat if d.process_index == this]

    def operators(self, pairs, edges, sizes, needs):
        with self.making():
            return operators_on_mesh(
                self.mesh,
                pairs,
                edges.weights,
                edges.counted,
                share=self.share,
                n_users=sizes.n_users,
                n_items=sizes.n_items,
                guidance=needs.guidance,
                edge_dropping=needs.edge_dropping,
            )

    def making(self):
        """By the host's CPU, so that no device holds whole what will be split.

        Where JAX has its CPU beside the accelerators, as it has unless `JAX_PLATFORMS` leaves it
        out, none holds it while it is made either.
        """
        return jax.default_device(_cpu())

    def placed(self, content):
        def is_split(leaf):
            return isinstance(leaf, SparsePair | KnowledgeGraph)

        def place(leaf):
            made = jax.device_get(leaf)
            if isinstance(made, KnowledgeGraph):
                return split_triples(self.mesh, made)
            if isinstance(made, SparsePair):
                return SparsePair(*map(self._by_rows, made))
            return replicate(self.mesh, made)

        return jax.tree.map(place, content, is_leaf=is_split)

    def _by_rows(self, matrix: SparseOperator) -> RowBlocks:
        """A matrix that every process has whole."""
        entries = Entries(matrix.values, matrix.rows, matrix.columns)
        n_rows, n_entries = len(matrix.row_starts) - 1, len(matrix.values)
        return row_blocks(entries, self.mesh, n_rows=n_rows, n_entries=n_entries)

    def ranking_task(self, seen, relevant, sizes):
        of = dict(n_users=sizes.n_users, n_items=sizes.n_items)
        return sharded_task(self.mesh, seen, relevant, share=self.share, **of)

    def batches(self, sampler, number):
        return sharded_batches(self.mesh, sampler, number)

    def compiled(self, model, sampler, inputs, initial):
        mesh = self.mesh
        like = jax.eval_shape(partial(initial, seed=0), inputs)
        unpadded = partial(unpad, like=like.params)

        def read(params):
            return unpadded(split(mesh, params))

        layout = Layout(read, partial(whole_batch, mesh, sampler))
        on_all, lie = NamedSharding(mesh, WHOLE), shardings(mesh, like)
        fresh = jax.jit(lambda *given: padded(mesh, initial(*given)), out_shardings=lie)
        epoch = jax.jit(
            partial(run_epoch, model, layout, sampler.cuts_passes),
            donate_argnums=0,
            out_shardings=(lie, on_all),
        )
        refreshed = jax.jit(
            lambda params, *rest: refresh(model, unpadded(params), *rest), out_shardings=on_all
        )
        view = jax.jit(
            lambda params, *rest: padded_rows(mesh, *ranking_view(model, unpadded(params), *rest)),
            out_shardings=view_shardings(mesh),
        )

        return Compiled(
            initial=lambda inputs, seed: fresh(inputs, np.uint32(seed)),
            epoch=lambda state, batches, inputs, *rest: epoch(
                state, batches, inputs, *replicate(mesh, rest)
            ),
            refresh=lambda params, inputs, *rest: refreshed(params, inputs, *replicate(mesh, rest)),
            view=lambda *given: View(*view(*given)),
            like=lambda carried: carried._replace(state=like, carry=shapes(carried.carry)),
        )

    def gathered(self, carried, like):
        return gather(carried, like)

    def laid(self, stored, like):
        state, carry = stored or (None, None)
        return like._replace(
            state=shard_from_process_zero(self.mesh, state, like.state),
            carry=replicate_from_process_zero(self.mesh, carry, like.carry),
        )

    def evaluate(self, view, task, settings):
        users, items = (table.astype(settings.eval_precision) for table in view)
        return evaluate_sharded(self.mesh, users, items, task, block=settings.eval_block)

    def whole(self, view, sizes):
        rows = zip(view, (sizes.n_users, sizes.n_items), strict=True)
        like = (jax.ShapeDtypeStruct((n, table.shape[1]), table.dtype) for table, n in rows)
        found = gather(view, View(*like))
        return found and View(*map(jnp.asarray, found))


def _cpu() -> jax.Device | None:
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None
