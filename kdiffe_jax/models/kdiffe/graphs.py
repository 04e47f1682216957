"""Which knowledge graph each view of an epoch reads: given, rebuilt, or given with weights."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.kdiffe.rebuild import KeptRelations, top_of_values
from kdiffe_jax.ops.ragged import places_of, read_at
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph

_LEAST_VALUE = 1e-3


class Denoised(NamedTuple):
    """What the reverse process made of all items' rows."""

    kept: KeptRelations  #: the top-q relations
    own: jax.Array  #: f32[nnz], the denoised value of every given triple
    guidance: jax.Array | None = None  #: f32[J, rank], z~ where it is known before training


def nothing_denoised(rows: EntityRows, *, q: int) -> Denoised:
    """What stands in before the first rows are denoised: all triples of an item are equal.

    Args:
      rows: all items' relations.
      q: relations kept of every item, the first ones.
    """
    items = jnp.arange(rows.row_starts.shape[0] - 1)
    places = places_of(rows.row_starts, jnp.arange(q), items)
    own = jnp.ones(rows.columns.shape)
    return Denoised(top_of_values(read_at(own, places, -jnp.inf), rows, places, q), own)


def main_and_other(
    main_graph: str,
    given: KnowledgeGraph,
    rebuilt: KnowledgeGraph,
    own: jax.Array,
    power: float,
) -> tuple[KnowledgeGraph, KnowledgeGraph]:
    """The main view's knowledge graph, and the one that the second view contrasts it with.

    Args:
      main_graph: the option of this name.
      given, rebuilt: both graphs.
      own: of `Denoised`.
      power: as in `weighted_by`.
    """
    if main_graph == "rebuilt":
        return rebuilt, given
    if main_graph == "weighted":
        return weighted_by(own, given, power), rebuilt
    return given, rebuilt


def weighted_by(own: jax.Array, given: KnowledgeGraph, power: float) -> KnowledgeGraph:
    """The given triples, each weighing a power of its denoised value in its item's attention.

    The weight of a triple multiplies its exponential in the softmax of eq. 2, so what counts is
    its share among the item's triples; a power above 1 keeps many of middling value from
    outweighing a likely one.

    Args:
      own: of `Denoised`; values below 0.001 count as that.
      given: whose triples they are, in their order; there may be others of weight 0 behind them.
      power: of the values.
    """
    structure = given.structure
    n = structure.rows.shape[0]
    own = jnp.pad(own, (0, max(0, n - own.shape[0])))[:n]
    values = jnp.maximum(own, _LEAST_VALUE) ** power
    return given._replace(structure=structure._replace(values=values * structure.values))
