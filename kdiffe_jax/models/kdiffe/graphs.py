"""Which knowledge graph each view of an epoch reads: given, rebuilt, or given with weights."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.kdiffe.rebuild import KeptRelations, top_of_values
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph

_LEAST_VALUE = 1e-3


class Denoised(NamedTuple):
    """What the reverse process made of all items' rows."""

    kept: KeptRelations  #: the top-q relations
    own: jax.Array  #: f32[J, K], the denoised value of every given triple; -inf on padding


def nothing_denoised(rows: EntityRows, *, n_columns: int, q: int) -> Denoised:
    """What stands in before the first rows are denoised: all triples of an item are equal.

    Args:
      rows: all items' relations.
      n_columns: C.
      q: relations kept of every item.
    """
    own = jnp.where(rows.columns < n_columns, jnp.float32(1.0), -jnp.inf)
    return Denoised(top_of_values(own, rows, q), own)


def main_and_other(
    main_graph: str, given: KnowledgeGraph, rebuilt: KnowledgeGraph, own: jax.Array
) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    """The main view's knowledge graph, and the one that the second view contrasts it with.

    Args:
      main_graph: the option of this name.
      given, rebuilt: both graphs.
      own: of `Denoised`.
    """
    if main_graph == "rebuilt":
        return rebuilt, given
    if main_graph == "weighted":
        return weighted_by(own, given), rebuilt
    return given, rebuilt


def weighted_by(own: jax.Array, given: KnowledgeGraph) -> KnowledgeGraph:
    """The given triples, each weighing the square of its denoised value in its item's attention.

    The weight of a triple multiplies its exponential in the softmax of eq. 2, so what counts is
    its share among the item's triples; the square keeps a few of middling value from outweighing
    a likely one.

    Args:
      own: of `Denoised`; values below 0.001 count as that.
      given: whose triples they are, in their order.
    """
    structure = given.structure
    places = jnp.arange(structure.rows.shape[0]) - structure.row_starts[structure.rows]
    values = jnp.square(jnp.maximum(own[structure.rows, places], _LEAST_VALUE))
    return given._replace(structure=structure._replace(values=values * structure.values))
