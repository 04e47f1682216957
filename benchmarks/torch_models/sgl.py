"""SGL: LightGCN, and a contrast of two graphs of each epoch that lose edges, with all nodes."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.lightgcn import LightGCN
from benchmarks.torch_models.losses import nce


class SGL(LightGCN):
    """Three views; the undropped one ranks."""

    def begin_epoch(self) -> None:
        """Two graphs."""
        self.views = [self.some_edges(self.options.edge_drop) for _ in range(2)]

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """LightGCN's loss and the contrast."""
        (users, items), (other_users, other_items) = map(self.view, self.views)
        tau = self.options.temperature
        contrast = nce(users[batch.users], other_users, tau, batch.users)
        contrast = contrast + nce(items[batch.positives], other_items, tau, batch.positives)
        return super().loss(batch, draws) + self.options.contrast_weight * contrast
