"""Streams of ids and of each modality with one table of users, as SLMRec and MMGCL have them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.torch_models.base import Form, mapped
from benchmarks.torch_models.graphs import Graph, layers_of, mean_of


class Streams(Form):
    """Two tables, a map of each modality, and a map that reads all streams on each side."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("user_embedding", problem.n_users, dim)
        self.add_table("item_embedding", problem.n_items, dim)
        for name, rows in problem.features.items():
            self.add_map(f"{name}_linear", rows.shape[1], dim)
        width = (1 + len(problem.features)) * dim
        self.add_map("read_users", width, dim)
        self.add_map("read_items", width, dim)

    @property
    def weight_decay(self) -> float:
        """Of all parameters."""
        return self.options.weight_decay

    def starts(self) -> list[torch.Tensor]:
        """Layer 0 of every stream's items."""
        features = self.problem.features.items()
        content = (mapped(rows, self.maps[f"{name}_linear"]) for name, rows in features)
        return [self.tables["item_embedding"], *content]

    def spread(
        self, graph: Graph, starts: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Final users and items, the streams side by side: one product a layer for all."""
        users = self.tables["user_embedding"]
        rows = torch.cat([torch.cat([users, items]) for items in starts], dim=1)
        return self.sides(mean_of(layers_of(graph, rows, self.options.layers)))
