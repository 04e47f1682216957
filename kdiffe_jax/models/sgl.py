"""SGL (Wu and others, 2021): LightGCN, and a contrast of two graphs that lose edges.

Two graphs are drawn an epoch, each without a share of the edges, both directions together and
degrees taken anew; each node of the batch is told from all others of its side by its two views.
docs/models/sgl.md says how it was checked.
"""

from __future__ import annotations

import dataclasses

import jax

from kdiffe_jax.graph.drop_edges import drop_edges
from kdiffe_jax.models.arrays import Inputs, Weighted
from kdiffe_jax.models.base import Needs
from kdiffe_jax.models.lightgcn import LightGCN, LightGCNOptions
from kdiffe_jax.models.terms import node_contrast
from kdiffe_jax.options import option


@dataclasses.dataclass(frozen=True)
class SGLOptions(LightGCNOptions):
    """Defaults of the authors' program for Yelp2018."""

    contrast_weight: float = option(
        0.1, "weight of the contrast of users and of items", low=0.0, traced=True
    )
    temperature: float = option(0.2, "tau: InfoNCE temperature", above=0.0, traced=True)
    edge_drop: float = option(0.1, "share of edges that each view drops", low=0.0, high=0.99)
    negatives: str = option(
        "all", "InfoNCE negatives: all nodes or the nodes of the batch", choices=("all", "batch")
    )


@dataclasses.dataclass(frozen=True)
class SGL(LightGCN):
    """LightGCN with two further views; the undropped one ranks."""

    Options = SGLOptions
    needs = Needs(edge_dropping=True)

    def open(self, inputs: Inputs, carry, key):
        """The two graphs of an epoch."""
        keys = jax.random.split(key)
        return tuple(drop_edges(inputs.laplacian, k, self.options.edge_drop) for k in keys)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """LightGCN's terms and the contrast."""
        terms = super().losses(objective, params, batch, inputs, aux, traced, key)
        one, other = (self.over(params, inputs, graph) for graph in aux)
        temperature, negatives = traced["temperature"], self.options.negatives
        contrast = node_contrast(one, other, batch, temperature, negatives=negatives)
        weight = traced["contrast_weight"]
        return terms | {name: Weighted(term, weight) for name, term in contrast.items()}
