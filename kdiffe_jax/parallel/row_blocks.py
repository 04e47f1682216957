"""Lays sparse matrices on a mesh by ranges of their rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from kdiffe_jax.parallel.product import BY_ROWS, RowBlocks
from kdiffe_jax.parallel.shares import largest


class Entries(NamedTuple):
    """Entries of a sparse matrix sorted by row: those of a process's rows, or of more."""

    values: np.ndarray  #: f32[m]
    rows: np.ndarray  #: i32[m]
    columns: np.ndarray  #: i32[m]
    edges: np.ndarray | None = None  #: i32[m], a number for every entry that travels with it


def row_blocks(entries: Entries, mesh: Mesh, *, n_rows: int, n_entries: int) -> RowBlocks:
    """Lays ranges of rows on the mesh; each process lays those of its own devices.

    Args:
      entries: at least those of the rows that `own_ranges` gives this process.
      mesh: of `build_mesh`.
      n_rows, n_entries: of the whole matrix.
    """
    n_blocks = mesh.shape["data"]
    height = -(-n_rows // n_blocks)
    bounds = np.searchsorted(entries.rows, np.arange(n_blocks + 1) * height)
    width = max(1, int(largest(np.diff(bounds)).max()))

    def of_block(array: np.ndarray, padding: int, block: int) -> np.ndarray:
        found = np.full(width, padding, array.dtype)
        found[: bounds[block + 1] - bounds[block]] = array[bounds[block] : bounds[block + 1]]
        return found

    def rows_of(block: int) -> np.ndarray:
        last = (block + 1) * height - 1
        return (of_block(entries.rows, last, block) - block * height).astype(np.int32)

    def row_starts_of(block: int) -> np.ndarray:
        return np.searchsorted(rows_of(block), np.arange(height + 1)).astype(np.int32)

    laid = partial(laid_by_range, mesh)
    edges = entries.edges
    return RowBlocks(
        values=laid(partial(of_block, entries.values, 0), width),
        row_starts=laid(row_starts_of, height + 1),
        columns=laid(partial(of_block, entries.columns, 0), width),
        rows=laid(rows_of, width),
        edges=None if edges is None else laid(partial(of_block, edges, n_entries), width),
        n_rows=n_rows,
        n_entries=n_entries,
        mesh=mesh,
    )


def own_ranges(mesh: Mesh) -> np.ndarray:
    """bool[n]: which ranges of rows lie on devices of this process."""
    this = jax.process_index()
    return np.array([any(d.process_index == this for d in row) for row in mesh.devices])


def laid_by_range(mesh: Mesh, of: Callable[[int], np.ndarray], length: int) -> jax.Array:
    """An array [n, length] on the mesh, one row a range, made where it lies.

    Args:
      mesh: of `build_mesh`.
      of: the number of a range -> its row; called for those of this process alone.
      length: of a row.
    """
    n_blocks = mesh.shape["data"]
    of = functools.cache(of)  # devices along "model" hold the same range

    def part(index: tuple[slice, ...]) -> np.ndarray:
        return np.stack([of(block) for block in range(*index[0].indices(n_blocks))])

    return jax.make_array_from_callback((n_blocks, length), NamedSharding(mesh, BY_ROWS), part)
