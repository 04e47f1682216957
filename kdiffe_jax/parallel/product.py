"""Sparse x dense products with the sparse matrix split by rows over the devices.

Each device holds the entries of its own range of rows, as CSR. It receives the dense rows of
all others, for its own share of the columns, and makes its own rows of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.graph.product import product
from kdiffe_jax.graph.propagate import across
from kdiffe_jax.parallel.processes import placed
from kdiffe_jax.parallel.tables import TABLE
from kdiffe_jax.types import SparseOperator

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


def row_blocks(operator: SparseOperator, mesh: Mesh, edges: jax.Array | None = None) -> RowBlocks:
    """Splits a sparse matrix by rows and lays the ranges on the mesh.

    Args:
      operator: f32[rows, columns].
      mesh: of `build_mesh`.
      edges: i32[nnz], a number for every entry that travels with it.
    """
    n_blocks, n_rows = mesh.shape["data"], operator.row_starts.shape[0] - 1
    n_entries = operator.values.shape[0]
    height = -(-n_rows // n_blocks)
    starts = np.asarray(operator.row_starts)
    bounds = starts[np.minimum(np.arange(n_blocks + 1) * height, n_rows)]
    width = max(1, int(np.diff(bounds).max()))
    row_at = np.minimum(np.arange(n_blocks)[:, None] * height + np.arange(height + 1), n_rows)
    row_starts = (starts[row_at] - bounds[:-1, None]).astype(np.int32)
    row_starts[:, -1] = width
    position = bounds[:-1, None] + np.arange(width)
    inside = position < bounds[1:, None]
    at = np.where(inside, position, 0)

    def entries(array, padding):
        array = np.asarray(array)
        return np.where(inside, array[at] if len(array) else 0, padding).astype(array.dtype)

    rows = entries(operator.rows, 0) - np.arange(n_blocks, dtype=np.int32)[:, None] * height
    arrays = (
        entries(operator.values, 0),
        row_starts,
        entries(operator.columns, 0),
        np.where(inside, rows, height - 1).astype(np.int32),
        None if edges is None else entries(edges, n_entries),
    )
    by_rows = NamedSharding(mesh, BY_ROWS)
    laid = jax.tree.map(lambda array: placed(array, by_rows), arrays)
    return RowBlocks(*laid, n_rows=n_rows, n_entries=n_entries, mesh=mesh)


@across.register
def across_blocks(there: RowBlocks, back: RowBlocks, dense: jax.Array) -> jax.Array:
    """`across` for matrices split by rows: there @ dense, with the gradient back @ gradient.

    Args:
      there: f32[rows, columns].
      back: its transpose.
      dense: f32[columns, d], split in any way.

    Returns:
      f32[rows, d], split by rows, and by columns where d divides.
    """
    return _across(there, back, dense)


@jax.custom_vjp
def _across(there: RowBlocks, back: RowBlocks, dense: jax.Array) -> jax.Array:
    return _product(there, dense)


def _forward(there, back, dense):
    return _product(there, dense), back


def _backward(back, gradient):
    return None, None, _product(back, gradient)


_across.defvjp(_forward, _backward)


def _product(blocks: RowBlocks, dense: jax.Array) -> jax.Array:
    missing = -dense.shape[1] % blocks.mesh.shape["model"]
    arrays = (blocks.values, blocks.row_starts, blocks.columns, blocks.rows)
    rows = jax.shard_map(
        _own_rows,
        mesh=blocks.mesh,
        in_specs=(*[BY_ROWS] * len(arrays), PartitionSpec(None, "model")),
        out_specs=TABLE,
        check_vma=False,
    )(*arrays, jnp.pad(dense, ((0, 0), (0, missing))))
    return rows[: blocks.n_rows, : dense.shape[1]]


def _own_rows(values, row_starts, columns, rows, dense):
    return product(values[0], row_starts[0], columns[0], rows[0], dense)
