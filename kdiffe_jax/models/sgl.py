"""SGL (Wu and others, 2021): LightGCN, and a contrast of two graphs that lose edges or nodes.

Two graphs are drawn an epoch, each without a share of the edges, both directions together and
degrees taken anew; each node of the batch is told from all others of its side by its two views.
Instead of edges they lose nodes, or a graph is drawn for every layer of a view.
docs/models/sgl.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import MappingProxyType

import jax

from kdiffe_jax.graph.drop_edges import drop_edges, drop_nodes
from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Needs
from kdiffe_jax.models.lightgcn import LightGCN, LightGCNOptions
from kdiffe_jax.models.terms import node_contrast, pooling_of
from kdiffe_jax.ops.propagate import next_layer, pooled
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import option


@dataclasses.dataclass(frozen=True)
class SGLOptions(LightGCNOptions):
    """Defaults of the authors' program for Yelp2018."""

    contrast_weight: float = option(
        0.1, "weight of the contrast of users and of items", low=0.0, traced=True
    )
    temperature: float = option(0.2, "tau: InfoNCE temperature", above=0.0, traced=True)
    augmentation: str = option(
        "edges",
        "what a view drops: edges, nodes with their edges, or other edges in every layer",
        choices=("edges", "nodes", "walk"),
    )
    edge_drop: float = option(
        0.1, "share of edges, or of nodes, that each view drops", low=0.0, high=0.99
    )
    negatives: str = option(
        "all", "InfoNCE negatives: all nodes or the nodes of the batch", choices=("all", "batch")
    )


@dataclasses.dataclass(frozen=True)
class SGL(LightGCN):
    """LightGCN with two further views; the undropped one ranks."""

    Options = SGLOptions
    needs = Needs(edge_dropping=True)
    idle = (
        Idle(("temperature", "augmentation", "edge_drop", "negatives"), "contrast_weight", 0.0),
    )
    grid = MappingProxyType(
        {"edge_drop": (0.1, 0.5), "temperature": (0.2, 0.5), "contrast_weight": (0.01, 0.1, 1.0)}
    )

    def open(self, inputs: Inputs, carry, key):
        """The two graphs of an epoch, or those of every layer of the two views."""
        whole, share, keys = inputs.laplacian, self.options.edge_drop, jax.random.split(key)
        if self.options.augmentation == "walk":
            by_layer = (jax.random.split(k, self.options.layers) for k in keys)
            return tuple(tuple(drop_edges(whole, k, share) for k in view) for view in by_layer)
        drop = drop_nodes if self.options.augmentation == "nodes" else drop_edges
        return tuple(drop(whole, k, share) for k in keys)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """LightGCN's terms and the contrast."""
        layer_zero = self.layer_zero(params, inputs)
        view = self.over(inputs.laplacian, layer_zero)
        terms = self._ranked(view, params, batch, traced, key)
        over = self.over_layers if self.options.augmentation == "walk" else self.over
        one, other = (over(graph, layer_zero) for graph in aux)
        temperature, negatives = traced["temperature"], self.options.negatives
        contrast = node_contrast(one, other, batch, temperature, negatives=negatives)
        weight = traced["contrast_weight"]
        return terms | {name: Weighted(term, weight) for name, term in contrast.items()}

    @device_phase("views")
    def over_layers(
        self, laplacians: Sequence[Laplacian], layer_zero: tuple[jax.Array, jax.Array]
    ) -> View:
        """The pooled layers, each over a graph of its own."""
        layers = [layer_zero]
        for laplacian in laplacians:
            layers.append(next_layer(laplacian, *layers[-1]))
        return View(*pooled(layers, pooling_of(self.embedding, "mean")))
