"""CLCRec: contrasts that tie an item's own row to what its content makes."""

from __future__ import annotations

import torch
from torch.nn import functional

from benchmarks.torch_models.base import Batch, Draws, Form
from benchmarks.torch_models.losses import unit


class CLCRec(Form):
    """One table of users and items, and a network over the items' features side by side."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("id_embedding", problem.n_users + problem.n_items, dim)
        self.features = torch.cat([rows.to_dense() for rows in problem.features.values()], dim=1)
        self.add_map("encoder1", self.features.shape[1], options.hidden)
        self.add_map("encoder2", options.hidden, dim)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """Both contrasts, and the lengths of the rows."""
        options, (users, ids) = self.options, self.sides(self.tables["id_embedding"])
        content = self.maps["encoder2"](functional.leaky_relu(self.maps["encoder1"](self.features)))
        candidates = torch.cat([batch.positives[:, None], batch.negatives], dim=1)
        chosen = users[batch.users]
        own = self._scores(unit(ids[batch.positives]), unit(content), candidates)
        made, shown = (self._scores(chosen, rows, candidates) for rows in (content, ids))
        swapped = draws["swapped"] if "swapped" in draws else self._places(candidates.shape)
        told = torch.where(swapped, made, shown)
        lengths = chosen.norm(dim=1).mean() + ids.norm(dim=1)[candidates].mean()
        return (
            options.own_share * _first(own)
            + (1.0 - options.own_share) * _first(told)
            + options.norm_weight * 0.5 * lengths
        )

    def _places(self, shape) -> torch.Tensor:
        """Places drawn with replacement."""
        found = torch.zeros(shape, dtype=torch.bool)
        n = found.numel()
        found.view(-1)[torch.randint(n, (int(self.options.swapped * n),))] = True
        return found

    def _scores(self, anchors, items, candidates: torch.Tensor) -> torch.Tensor:
        """f32[B, 1 + K] over the temperature: of all items, which is faster than to gather rows."""
        scores = (anchors / self.options.temperature) @ items.T
        return scores.gather(1, candidates)


def _first(logits: torch.Tensor) -> torch.Tensor:
    """-log softmax of the first column."""
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
