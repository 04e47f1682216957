"""Sparse x dense products with the sparse matrix split by rows over the devices.

Each device holds the entries of its own range of rows, as CSR. It receives the dense rows of
all others, for its own share of the columns, and makes its own rows of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
from jax.sharding import Mesh, PartitionSpec

from kdiffe_jax.ops.spmm import csr_times_dense, spmm
from kdiffe_jax.parallel.tables import TABLE, split

BY_ROWS = PartitionSpec("data")


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["values", "row_starts", "columns", "rows", "edges"],
    meta_fields=["n_rows", "n_entries", "mesh"],
)
@dataclass(frozen=True)
class RowBlocks:
    """A sparse matrix in n equal ranges of rows, n the size of the mesh's axis "data".

    Ranges have equal numbers m of entries and b of rows: padding is entries of value 0 in the
    range's last row, and rows after the last.
    """

    values: jax.Array  #: f32[n, m]
    row_starts: jax.Array  #: i32[n, b + 1]
    columns: jax.Array  #: i32[n, m]
    rows: jax.Array  #: i32[n, m], from 0 in each range
    edges: jax.Array | None  #: i32[n, m], number of each entry, n_entries on padding; None unused
    n_rows: int
    n_entries: int
    mesh: Mesh


@spmm.register
def spmm_blocks(forward: RowBlocks, transpose: RowBlocks, dense: jax.Array) -> jax.Array:
    """`spmm` for matrices split by rows: forward @ dense, with the gradient transpose @ gradient.

    Args:
      forward: f32[rows, columns].
      transpose: of it.
      dense: f32[columns, d], split in any way.

    Returns:
      f32[rows, d], split by rows, and by columns where d divides.
    """
    return _spmm(forward, transpose, dense)


@jax.custom_vjp
def _spmm(forward: RowBlocks, transpose: RowBlocks, dense: jax.Array) -> jax.Array:
    return _product(forward, dense)


def _forward(forward, transpose, dense):
    return _product(forward, dense), transpose


def _backward(transpose, gradient):
    return None, None, _product(transpose, gradient)


_spmm.defvjp(_forward, _backward)


def _product(blocks: RowBlocks, dense: jax.Array) -> jax.Array:
    arrays = (blocks.values, blocks.row_starts, blocks.columns, blocks.rows)
    rows = jax.shard_map(
        _own_rows,
        mesh=blocks.mesh,
        in_specs=(*[BY_ROWS] * len(arrays), PartitionSpec(None, "model")),
        out_specs=TABLE,
        check_vma=False,
    )(*arrays, split(blocks.mesh, dense))
    return rows[: blocks.n_rows, : dense.shape[1]]


def _own_rows(values, row_starts, columns, rows, dense):
    return csr_times_dense(values[0], row_starts[0], columns[0], rows[0], dense)
