"""MGCL: streams ranked each for itself, and contrasted by an Adam of their own."""

from __future__ import annotations

from itertools import combinations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.content import Content
from benchmarks.torch_models.losses import unit


class MGCL(Content):
    """Two losses, taken in turn."""

    def objectives(self):
        """The contrast learns at a rate of its own."""
        return [(self.loss, 1.0), (self.contrast, self.options.contrast_rate)]

    def contrast(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """Of layer-0 rows of the same node in each pair of streams, among those of the batch."""
        total = 0.0
        for side, nodes in enumerate((batch.users, batch.positives)):
            rows = [unit(stream[side][nodes]) for stream in self.streams().values()]
            for one, other in combinations(rows, 2):
                logits = (one / self.options.temperature) @ other.T
                both = logits.logsumexp(dim=1) + logits.logsumexp(dim=0)
                total = total + (both - 2.0 * logits.diagonal()).mean()
        return self.options.contrast_weight * total
