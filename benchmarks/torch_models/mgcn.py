"""MGCN: content purified by behaviour, fused by attention and by what users prefer."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.freedom import FREEDOM
from benchmarks.torch_models.graphs import product, users_block
from benchmarks.torch_models.item_graphs import across, normalised_links
from benchmarks.torch_models.losses import bpr, half_squares, nce


class MGCN(FREEDOM):
    """FREEDOM's content, of which no epoch begins with fewer edges."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_map("query1", dim, dim)
        self.maps["query2"] = torch.nn.Linear(dim, 1, bias=False)
        for name in problem.features:
            self.add_map(f"gate_{name}", dim, dim)
            self.add_map(f"prefer_{name}", dim, dim)
        self.to_users = users_block(self.graph, problem.n_users)

    def _item_graph(self):
        graphs = self.problem.item_graphs.items()
        return {name: across(normalised_links(links)) for name, links in graphs}

    def begin_epoch(self) -> None:
        """Nothing."""

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss, the norm of the final rows, and content contrasted with behaviour."""
        n_users = self.problem.n_users
        read = torch.cat([batch.users, n_users + batch.positives, n_users + batch.negatives])
        behaviour = torch.cat(self.view(self.graph))[read]
        side = self._side(behaviour, [self._purified(name)[read] for name in self.problem.features])
        rows = (behaviour + side).chunk(3)
        total = bpr(*rows) + self.options.weight_decay * half_squares(*rows)
        pairs = zip(side.chunk(3)[:2], behaviour.chunk(3)[:2], strict=True)
        contrast = sum(nce(*pair, self.options.temperature) for pair in pairs)
        return total + self.options.contrast_weight * contrast

    def _purified(self, name: str) -> torch.Tensor:
        """Content of all nodes by one modality; users have that of their items."""
        gate = torch.sigmoid(self.maps[f"gate_{name}"](self.content(name)))
        items = self.tables["item_embedding"] * gate
        for _ in range(self.options.item_layers):
            items = product(self.near[name], items)
        return torch.cat([product(self.to_users, items), items])

    def _side(self, behaviour: torch.Tensor, contents: list[torch.Tensor]) -> torch.Tensor:
        asked = [self.maps["query2"](torch.tanh(self.maps["query1"](rows))) for rows in contents]
        weights = torch.cat(asked, dim=1).softmax(dim=1)
        common = sum(weights[:, m : m + 1] * rows for m, rows in enumerate(contents))
        total = common
        for name, rows in zip(self.problem.features, contents, strict=True):
            wanted = torch.sigmoid(self.maps[f"prefer_{name}"](behaviour))
            total = total + wanted * (rows - common)
        return total / (1 + len(contents))
