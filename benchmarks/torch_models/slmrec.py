"""SLMRec: a softmax over the items of the batch, and a chain of contrasts between streams."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.losses import nce, softmax_loss
from benchmarks.torch_models.streams import Streams


class SLMRec(Streams):
    """The chain's maps, x_m = onto_m x_(m-1) beside of_m z_m; of two modalities one between."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        names = list(problem.features)
        for number, name in enumerate(names):
            width = dim // 2 if number and number == len(names) - 1 else dim
            self.add_map(f"onto_{name}", dim, width)
            self.add_map(f"of_{name}", dim, width)
        if len(names) == 2:
            self.add_map("between", dim, dim)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The softmax and the chain."""
        users, items = self.spread(self.graph, self.starts())
        users, items = users[batch.users], items[batch.positives]
        read = self.maps["read_users"](users), self.maps["read_items"](items)
        return nce(*read, self.options.temperature) + self._chain(items)

    def _chain(self, items: torch.Tensor) -> torch.Tensor:
        reached, *contents = items.split(self.dim, dim=1)
        names, total, tau = list(self.problem.features), 0.0, self.options.contrast_temperature
        for number, (name, content) in enumerate(zip(names, contents, strict=True)):
            if number and "between" in self.maps:
                reached = self.maps["between"](reached)
            reached = self.maps[f"onto_{name}"](reached)
            total = total + softmax_loss(reached, self.maps[f"of_{name}"](content), tau)
        return self.options.contrast_weight * total
