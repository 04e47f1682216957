"""The constant structure that a model reads, made of what is known of users and items."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import NEIGHBOUR_ROWS, Rows, in_form
from kdiffe_jax.data.item_graphs import item_graph
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.arrays import Degrees, EdgeWeights, Inputs
from kdiffe_jax.models.base import Model
from kdiffe_jax.ops.sparse import host_operator, sparse_pair
from kdiffe_jax.training.placement import Placement


class Content(NamedTuple):
    """What is read of the items beside interactions."""

    dataset: Dataset
    neighbours: Any
    proxies: Any
    features: dict[str, Rows]
    stand_ins: dict[str, str]


def build_inputs(
    content: Content, model: Model, edges: EdgeWeights, placement: Placement
) -> Inputs:
    """`Inputs` by what the model needs, where the placement lays them."""
    dataset, needs, sizes = content.dataset, model.needs, model.sizes
    laplacian, item_users = placement.operators(dataset.train, edges, sizes, needs)
    triples, knowledge, entity_items, own = dataset.triples, None, None, ()
    with placement.making():
        if needs.knowledge == "items":
            of = dict(n_items=sizes.n_items, n_entities=sizes.n_entities)
            heads, relations, tails = triples.T
            knowledge = knowledge_graph(heads, relations, tails, np.ones(len(triples)), **of)
            own = model.constants(triples, dataset.entity_items)
            if dataset.entity_items is not None:
                entity_items = jnp.asarray(dataset.entity_items, jnp.int32)
        near, proxies = content.neighbours, content.proxies
        made = Inputs(
            laplacian=None,  # type: ignore[arg-type]
            knowledge=knowledge,
            entity_items=entity_items,
            neighbours=None if near is None else sparse_pair(near),
            cold_item_proxies=None if proxies is None else host_operator(proxies),
            features={
                name: _feature(in_form(rows, needs.feature_form))
                for name, rows in content.features.items()
            },
            degrees=Degrees(
                jnp.asarray(dataset.user_degrees(), jnp.float32),
                jnp.asarray(dataset.item_degrees(), jnp.float32),
            ),
            item_graphs=_item_graphs(content, needs.item_graphs),
            own=own,
        )
    return placement.placed(made)._replace(laplacian=laplacian, item_users=item_users)


def _item_graphs(content: Content, n_nearest: int):
    if not n_nearest:
        return None
    given = {name for name, what in content.stand_ins.items() if what == NEIGHBOUR_ROWS}
    graphs = {
        name: item_graph(rows, n_nearest, given=name in given)
        for name, rows in content.features.items()
    }
    return {name: sparse_pair(graph) for name, graph in graphs.items()}


def _feature(rows: Rows):
    return jnp.asarray(rows) if isinstance(rows, np.ndarray) else sparse_pair(rows)
