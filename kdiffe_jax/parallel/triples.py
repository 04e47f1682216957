"""The knowledge graph on a mesh: every device holds equally many triples."""

from __future__ import annotations

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from kdiffe_jax.ops.sparse_types import KnowledgeGraph, SparseOperator
from kdiffe_jax.parallel.processes import placed
from kdiffe_jax.parallel.tables import WHOLE

BY_TRIPLES = PartitionSpec("data")


def split_triples(mesh: Mesh, graph: KnowledgeGraph) -> KnowledgeGraph:
    """Lays a graph on the mesh, its triples split along "data".

    Where they do not divide, triples of weight 0 between the last item and the last entity are
    added, which attention and products leave out.

    Args:
      mesh: of `build_mesh`.
      graph: whole, on the host of every process.
    """
    structure, n = graph.structure, len(graph.relations)
    n_items, n_entities = (len(s) - 1 for s in (structure.row_starts, structure.column_starts))
    missing = -n % mesh.shape["data"]

    def longer(array: np.ndarray, padding) -> jax.Array:
        filled = np.full(missing, padding, array.dtype)
        return placed(np.concatenate([array, filled]), NamedSharding(mesh, BY_TRIPLES))

    def reaching(starts: np.ndarray) -> jax.Array:
        ends = np.append(starts[:-1], starts[-1] + missing).astype(starts.dtype)
        return placed(ends, NamedSharding(mesh, WHOLE))

    laid = SparseOperator(
        values=longer(structure.values, 0),
        row_starts=reaching(structure.row_starts),
        columns=longer(structure.columns, n_entities - 1),
        rows=longer(structure.rows, n_items - 1),
        column_starts=reaching(structure.column_starts),
        to_transpose=longer(structure.to_transpose, np.arange(n, n + missing)),
    )
    return KnowledgeGraph(laid, longer(graph.relations, 0))
