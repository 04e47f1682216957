"""FREEDOM (Zhou and Shen, 2023): a frozen graph between items, and a user-item graph cut down.

S = sum_m w_m S_m, S_m the links to the nearest items by modality m and to itself, normalised on
both sides. Z = mean of the layers of L, items with S^n E added. An epoch trains on L with few of
its edges, those of busy nodes going first; all edges rank. H_m = F_m W_m + b_m are the items by
content alone.

  softplus(z_u . z_n - z_u . z_p) + content_weight sum_m softplus(z_u . h_mn - z_u . h_mp)

docs/models/freedom.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import jax

import kdiffe_jax.parallel.prune_edges  # noqa: F401  registers the form of split blocks
from kdiffe_jax.graph.item_graphs import ItemGraph, across, binary, normalised_graph
from kdiffe_jax.graph.prune_edges import GUARD, prune_edges
from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Needs
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.rows_read import rows_read
from kdiffe_jax.models.terms import ranking_term
from kdiffe_jax.models.trained_features import content_rows, fresh_features
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.options import Checked, option


@dataclasses.dataclass(frozen=True)
class FREEDOMOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(2, "layers of users and items", low=0)
    item_layers: int = option(1, "layers of the graph between items", low=0)
    item_neighbours: int = option(
        10,
        "nearest items by each modality in the graph between items, itself among them; lists of "
        "the data stay as long as they are",
        low=1,
    )
    first_share: float = option(
        0.1,
        "weight of the modality that is first by name in the graph between items; the others "
        "share the rest alike",
        low=0.0,
        high=1.0,
    )
    edge_drop: float = option(0.8, "share of edges that an epoch does without", low=0.0, high=0.99)
    content_weight: float = option(
        1e-3, "weight of the ranking loss of each modality's own items", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class FREEDOM(LightGCN):
    """LightGCN's encoder over fewer edges; items also over their nearest."""

    Options = FREEDOMOptions
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    idle = (Idle(("item_neighbours", "first_share"), "item_layers", 0),)
    grid = MappingProxyType({"edge_drop": (0.8, 0.9), "content_weight": (0.0, 1e-5, 1e-4, 1e-3)})

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """Features, item graphs of the size that the options say, and edges to drop."""
        nearest = self.options.item_neighbours
        return Needs(features=True, sparse_features=True, item_graphs=nearest, edge_dropping=True)

    def init(self, key, inputs: Inputs):
        """LightGCN's tables, and a map of each modality.

        Dense features are parameters too, as in the authors' program; sparse rows are not.
        """
        maps_key = jax.random.fold_in(jax.random.split(key, 3)[1], 1)
        content = fresh_features(maps_key, inputs, self.sizes, self.embedding.dim)
        return super().init(key, inputs) | content

    def open(self, inputs: Inputs, carry, key) -> tuple[Laplacian, dict[str, ItemGraph]]:
        """The edges of an epoch, and the graphs between items."""
        edges = prune_edges(inputs.laplacian, key, self.options.edge_drop)
        return edges, self.item_graphs(inputs)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The ranking loss of the final items, and of each modality's."""
        view = self._final(params, inputs, *aux)
        form = (batch, self.ranking, self.embedding.score, traced, key)
        terms = ranking_term(view, *form)
        users, items, of_rows = rows_read(batch, self.ranking)
        chosen = None if isinstance(items, slice) else items
        for name in self.sizes.modalities:
            content = View(view.users[users], content_rows(params, inputs, name, chosen))
            for loss, own in ranking_term(content, of_rows, *form[1:]).items():
                terms[f"{loss}_{name}"] = Weighted(own.term, traced["content_weight"])
        return terms

    def view(self, params, inputs: Inputs, carry) -> View:
        """The final rows over all edges."""
        return self._final(params, inputs, inputs.laplacian, self.item_graphs(inputs))

    def item_graphs(self, inputs: Inputs) -> dict[str, ItemGraph]:
        """S_m of each modality."""
        return {
            name: normalised_graph(binary(links), self.sizes.n_items, epsilon=GUARD)
            for name, links in inputs.item_graphs.items()
        }

    def _final(self, params, inputs: Inputs, laplacian: Laplacian, graphs) -> View:
        layer_zero = self.layer_zero(params, inputs)
        users, items = self.over(laplacian, layer_zero)
        near = layer_zero[1]
        for _ in range(self.options.item_layers):
            near = sum(
                share * across(graphs[name], near)
                for name, share in zip(self.sizes.modalities, self._shares, strict=True)
            )
        return View(users, items + near)

    @property
    def _shares(self) -> tuple[float, ...]:
        """w_m, of sum 1."""
        others = len(self.sizes.modalities) - 1
        first = self.options.first_share if others else 1.0
        return (first, *others * [(1.0 - first) / max(1, others)])
