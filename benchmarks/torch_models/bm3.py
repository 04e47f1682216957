"""BM3: bootstrapped views of interactions and content, without negatives."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from benchmarks.torch_models.base import Batch, Draws, mapped
from benchmarks.torch_models.lightgcn import LightGCN
from benchmarks.torch_models.losses import dropout


class BM3(LightGCN):
    """Dense features are parameters too."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_map("predictor", dim, dim)
        for name, rows in problem.features.items():
            self.add_map(f"{name}_linear", rows.shape[1], dim)
            if rows.layout == torch.strided:
                self.tables[f"{name}_features"] = nn.Parameter(rows.clone())

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """Users and items pulled to each other's targets, content to its item and itself."""
        users, items = self.view(self.graph)
        items = items + self.tables["item_embedding"]
        length = (torch.linalg.norm(users) + torch.linalg.norm(items)) / len(items)
        to_users = self._target(users, batch.users, draws.get("users"))
        to_items = self._target(items, batch.positives, draws.get("items"))
        predict = self.maps["predictor"]
        total = _pulled(predict(users[batch.users]), to_items)
        total = total + _pulled(predict(items[batch.positives]), to_users)
        for name in self.problem.features:
            content = self._content(name, batch.positives)
            target = self._dropped(content, batch.positives, draws.get(name))
            own = predict(content)
            pulled = _pulled(own, to_items) + _pulled(own, target)
            total = total + self.options.contrast_weight * pulled
        return total + self.options.norm_weight * length

    def _content(self, name: str, items: torch.Tensor) -> torch.Tensor:
        trained, linear = f"{name}_features", self.maps[f"{name}_linear"]
        if trained in self.tables:
            return mapped(self.tables[trained][items], linear)
        return mapped(self.problem.features[name], linear)[items]

    def _target(self, rows, nodes, kept) -> torch.Tensor:
        return self._dropped(rows[nodes], nodes, kept)

    def _dropped(self, rows, nodes, kept) -> torch.Tensor:
        """Rows of nodes; `kept` is of all nodes."""
        share = self.options.dropout
        return dropout(rows.detach(), share, None if kept is None else kept[nodes])


def _pulled(own: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return 1.0 - functional.cosine_similarity(own, target).mean()
