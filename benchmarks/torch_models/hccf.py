"""HCCF: local propagation beside a learned hypergraph, contrasted layer by layer."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.graphs import Graph, product
from benchmarks.torch_models.lightgcn import LightGCN
from benchmarks.torch_models.losses import dropout, nce


class HCCF(LightGCN):
    """What a layer drops is drawn anew in every step; the hypergraph is a map of layer 0."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("user_hyper", dim, options.hyperedges)
        self.add_table("item_hyper", dim, options.hyperedges)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss, the contrast of what the layers receive, and the squared norm."""
        rows = total = self.layer_zero()
        of_sides = zip(("user", "item"), self.sides(rows), strict=True)
        hypergraphs = {side: own @ self.tables[f"{side}_hyper"] for side, own in of_sides}
        contrast = 0.0
        for layer in range(self.options.layers):
            local = product(self._thinned(draws.get(f"edges_layer{layer}")), rows)
            hyper = self._hyper(hypergraphs, rows, layer, draws)
            contrast = contrast + self._contrast(local, hyper, batch)
            rows = local + hyper
            total = total + rows
        norm = sum(parameter.square().sum() for parameter in self.parameters())
        return (
            self.ranking(*self.sides(total), batch)
            + self.options.contrast_weight * contrast
            + self.options.norm_weight * norm
        )

    def _thinned(self, kept: torch.Tensor | None) -> Graph:
        """L without a share of its entries, the others over what is kept."""
        whole = self.graph.matrix
        values = dropout(whole.values(), self.options.dropout, kept)
        starts, columns = whole.crow_indices(), whole.col_indices()
        return Graph(torch.sparse_csr_tensor(starts, columns, values, whole.shape))

    def _hyper(self, hypergraphs, rows, layer: int, draws: Draws) -> torch.Tensor:
        """H (H^T X) of both sides."""
        found = []
        for (side, hypergraph), own in zip(hypergraphs.items(), self.sides(rows), strict=True):
            kept = draws.get(f"{side}_hyper_layer{layer}")
            thinned = dropout(hypergraph, self.options.dropout, kept)
            found.append(thinned @ (thinned.T @ own))
        return torch.cat(found)

    def _contrast(self, local, hyper, batch: Batch) -> torch.Tensor:
        """Of the different users and the different positives of the batch."""
        tau, total = self.options.temperature, 0.0
        of_sides = self.sides(local.detach()), self.sides(hyper), (batch.users, batch.positives)
        for z, h, nodes in zip(*of_sides, strict=True):
            nodes = nodes.unique()
            total = total + nce(z[nodes], h[nodes], tau)
        return total
