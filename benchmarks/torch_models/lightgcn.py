"""LightGCN: the mean of layers of L, BPR, and the squared layer-0 rows of each triplet."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws, Form
from benchmarks.torch_models.graphs import Graph, layers_of, mean_of
from benchmarks.torch_models.losses import bpr, half_squares


class LightGCN(Form):
    """Two tables and one graph."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("user_embedding", problem.n_users, dim)
        self.add_table("item_embedding", problem.n_items, dim)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss and the norm."""
        return self.ranking(*self.view(self.graph), batch) + self.norm(batch)

    def layer_zero(self) -> torch.Tensor:
        """Users, then items."""
        return torch.cat([self.tables["user_embedding"], self.tables["item_embedding"]])

    def view(self, graph: Graph) -> tuple[torch.Tensor, torch.Tensor]:
        """Final users and items over a graph."""
        return self.sides(mean_of(layers_of(graph, self.layer_zero(), self.options.layers)))

    def ranking(self, users: torch.Tensor, items: torch.Tensor, batch: Batch) -> torch.Tensor:
        """BPR of final rows."""
        return bpr(users[batch.users], items[batch.positives], items[batch.negatives])

    def norm(self, batch: Batch) -> torch.Tensor:
        """Of the layer-0 rows."""
        return self.options.weight_decay * half_squares(*self.rows_of(batch))

    def rows_of(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The layer-0 rows of users, positives and negatives."""
        users, items = self.tables["user_embedding"], self.tables["item_embedding"]
        return users[batch.users], items[batch.positives], items[batch.negatives]
