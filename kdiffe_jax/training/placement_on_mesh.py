"""A training over the devices of a mesh: state, Laplacian, batches and ranking are split."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding

import kdiffe_jax.parallel.drop_edges  # noqa: F401  registers the form of split blocks
import kdiffe_jax.parallel.drop_entries  # noqa: F401  likewise
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.models.arrays import View
from kdiffe_jax.ops.sparse_types import SparseOperator, SparsePair
from kdiffe_jax.parallel.evaluation import (
    evaluate_sharded,
    padded_rows,
    sharded_task,
    view_shardings,
)
from kdiffe_jax.parallel.interactions import operators_on_mesh
from kdiffe_jax.parallel.processes import on_host
from kdiffe_jax.parallel.product import RowBlocks
from kdiffe_jax.parallel.row_blocks import Entries, row_blocks
from kdiffe_jax.parallel.tables import WHOLE, gather, replicate, shard, shardings, unpad
from kdiffe_jax.training.batches_on_mesh import sharded_batches, whole_batch
from kdiffe_jax.training.epoch import Layout, ranking_view, refresh, run_epoch
from kdiffe_jax.training.placement import Compiled, Placement


class OnMesh(Placement):
    """Rows over the axis "data", columns of tables over "model".

    States are taken and given as one device has them, on the host: this is what checkpoints hold,
    so they do not depend on the number of devices.

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
        def is_pair(leaf):
            return isinstance(leaf, SparsePair)

        def place(leaf):
            if is_pair(leaf):
                return SparsePair(*(self._by_rows(jax.device_get(matrix)) for matrix in leaf))
            return replicate(self.mesh, jax.device_get(leaf))

        return jax.tree.map(place, content, is_leaf=is_pair)

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
        like = jax.eval_shape(initial, inputs)
        unpadded = partial(unpad, like=like.params)
        layout = Layout(unpadded, partial(whole_batch, mesh, sampler))
        on_all = NamedSharding(mesh, WHOLE)
        epoch = jax.jit(
            partial(run_epoch, model, layout, sampler.cuts_passes),
            donate_argnums=0,
            out_shardings=(shardings(mesh, like), on_all),
        )
        refreshed = jax.jit(
            lambda params, *rest: refresh(model, unpadded(params), *rest), out_shardings=on_all
        )
        view = jax.jit(
            lambda params, *rest: padded_rows(mesh, *ranking_view(model, unpadded(params), *rest)),
            out_shardings=view_shardings(mesh),
        )

        def run(state, batches, inputs, carry, traced):
            carry, traced = replicate(mesh, (carry, traced))
            after, terms = epoch(shard(mesh, state), batches, inputs, carry, traced)
            return gather(after, like), terms

        def run_refresh(params, inputs, *rest):
            found = refreshed(shard(mesh, params), inputs, *replicate(mesh, rest))
            return jax.tree.map(jnp.asarray, jax.device_get(found))

        def run_view(params, inputs, carry):
            return View(*view(shard(mesh, params), inputs, replicate(mesh, carry)))

        return Compiled(run, run_refresh, run_view)

    def evaluate(self, view, task, settings):
        users, items = (table.astype(settings.eval_precision) for table in view)
        return evaluate_sharded(self.mesh, users, items, task, block=settings.eval_block)

    def whole(self, view, sizes):
        rows = zip(view, (sizes.n_users, sizes.n_items), strict=True)
        return View(*(jnp.asarray(on_host(table)[:n]) for table, n in rows))


def _cpu() -> jax.Device | None:
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None
