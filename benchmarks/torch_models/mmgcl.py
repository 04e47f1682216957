"""MMGCL: ranking on all streams, and contrasts in a view without edges and one without a modality.

The second view differs from the undisturbed one in a single stream, so that alone is propagated.
"""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.losses import bpr, unit
from benchmarks.torch_models.streams import Streams


class MMGCL(Streams):
    """Both views of the paper, with the challenging negatives."""

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss and both contrasts."""
        starts, nodes = self.starts(), (batch.users, batch.positives, batch.negatives)
        rows = _at(self.spread(self.graph, starts), nodes)
        users, items, others = rows
        read_users, read_items = self.maps["read_users"], self.maps["read_items"]
        total = bpr(read_users(users), read_items(items), read_items(others))
        graph = draws.get("graph") or self.some_edges(self.options.edge_drop)
        wrong = draws.get("wrong", self._modality())
        views = _at(self.spread(graph, starts), nodes), self._masked(rows, starts, nodes, draws)
        contrast = sum(self._told(*view, wrong) for view in views)
        return total + self.options.contrast_weight * contrast

    def _modality(self) -> int:
        """A stream that is not of ids."""
        return 1 + int(torch.randint(len(self.problem.features), ()))

    def _masked(self, rows, starts, nodes, draws: Draws) -> list[torch.Tensor]:
        """Rows of the batch where one stream's items are random ones of the same size."""
        masked = draws.get("masked", self._modality())
        size = starts[masked].detach().square().mean().sqrt()
        random = draws["rows"] if "rows" in draws else size * torch.randn_like(starts[masked])
        spread = _at(self.spread(self.graph, [random]), nodes)
        return [self._with_block(*pair, masked) for pair in zip(rows, spread, strict=True)]

    def _with_block(self, rows: torch.Tensor, block: torch.Tensor, stream: int) -> torch.Tensor:
        """Rows with another block in the place of a stream's."""
        first, last = stream * self.dim, (stream + 1) * self.dim
        return torch.cat([rows[:, :first], block, rows[:, last:]], dim=1)

    def _told(self, users, items, others, wrong: int) -> torch.Tensor:
        """A user's item among those of the batch and itself with the negative's modality."""
        first, tau = wrong * self.dim, self.options.temperature
        mixed = self._with_block(items, others[:, first : first + self.dim], wrong)
        users = unit(self.maps["read_users"](users)) / tau
        items, mixed = (unit(self.maps["read_items"](side)) for side in (items, mixed))
        logits = torch.cat([users @ items.T, (users * mixed).sum(dim=1, keepdim=True)], dim=1)
        return torch.nn.functional.cross_entropy(logits, torch.arange(len(users)))


def _at(view, nodes) -> list[torch.Tensor]:
    users, items = view
    return [users[nodes[0]], items[nodes[1]], items[nodes[2]]]
