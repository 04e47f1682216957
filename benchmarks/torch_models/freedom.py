"""FREEDOM: a frozen graph between items, and a user-item graph that an epoch cuts down."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.torch_models.base import Batch, Draws, mapped
from benchmarks.torch_models.graphs import Graph, product
from benchmarks.torch_models.item_graphs import across, normalised_links
from benchmarks.torch_models.lightgcn import LightGCN
from benchmarks.torch_models.losses import bpr

_GUARD = 1e-7


class FREEDOM(LightGCN):
    """Dense features are parameters too."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        for name, rows in problem.features.items():
            self.add_map(f"{name}_linear", rows.shape[1], dim)
            if rows.layout == torch.strided:
                self.tables[f"{name}_features"] = nn.Parameter(rows.clone())
        self.near = self._item_graph() if problem.item_graphs else None
        degrees = [torch.bincount(ends).float() for ends in (problem.users, problem.items)]
        of_edges = degrees[0][problem.users] * degrees[1][problem.items]
        self.likely = of_edges**-0.5

    def begin_epoch(self) -> None:
        """The edges of an epoch, those of busy nodes going first."""
        n_edges = len(self.likely)
        stay = max(1, int(n_edges * (1.0 - self.options.edge_drop)))
        kept = torch.multinomial(self.likely, stay)
        edges = self.problem.users[kept], self.problem.items[kept]
        self.pruned = self.graph_of(*edges, guard=_GUARD)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss of the final items, and of each modality's."""
        users, items = self.view(self.pruned)
        near = self.tables["item_embedding"]
        for _ in range(self.options.item_layers):
            near = product(self.near, near)
        total = self.ranking(users, items + near, batch)
        read = torch.cat([batch.positives, batch.negatives])
        for name in self.problem.features:
            positives, negatives = self.content(name, read).chunk(2)
            own = bpr(users[batch.users], positives, negatives)
            total = total + self.options.content_weight * own
        return total

    def content(self, name: str, items: torch.Tensor | None = None) -> torch.Tensor:
        """The items by one modality, all or some."""
        trained, linear = f"{name}_features", self.maps[f"{name}_linear"]
        if trained not in self.tables:
            rows = mapped(self.problem.features[name], linear)
            return rows if items is None else rows[items]
        rows = self.tables[trained]
        return mapped(rows if items is None else rows[items], linear)

    def _item_graph(self) -> Graph:
        """The modalities' graphs, each link of weight 1, as one matrix."""
        graphs = list(self.problem.item_graphs.values())
        others, first = len(graphs) - 1, self.options.first_share
        shares = [first, *others * [(1.0 - first) / max(1, others)]] if others else [1.0]
        parts = (
            share * normalised_links((graph != 0).astype("float32"), guard=_GUARD)
            for share, graph in zip(shares, graphs, strict=True)
        )
        return across(sum(parts))
