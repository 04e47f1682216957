"""Streams of interactions and of each modality with tables of their own, for MGCL and MHGCF."""

from __future__ import annotations

import torch

from benchmarks.torch_models.base import Batch, Draws, Form
from benchmarks.torch_models.graphs import both_ways, normalised, product, with_loops
from benchmarks.torch_models.losses import bpr, half_squares


class Content(Form):
    """P = D^-1/2 (A + I) D^-(1/2 - popularity): K layers of id, the last; one of content."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("user_embedding", problem.n_users, dim)
        self.add_table("item_embedding", problem.n_items, dim)
        for name, rows in problem.features.items():
            self.add_table(f"user_embedding_{name}", problem.n_users, dim)
            self.add_table(f"w1_{name}", rows.shape[1], dim)
        n = problem.n_users + problem.n_items
        edges = with_loops(*both_ways(problem.users, problem.items, problem.n_users), n)
        self.looped = normalised(*edges, n, right=options.popularity - 0.5)

    def streams(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Layer 0 of users and of items by stream."""
        tables = self.tables
        found = {"id": (tables["user_embedding"], tables["item_embedding"])}
        for name, rows in self.problem.features.items():
            found[name] = (tables[f"user_embedding_{name}"], rows @ tables[f"w1_{name}"])
        return found

    def finals(self, streams) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Final rows by stream; the first layer of all is one product."""
        beside = torch.cat([torch.cat(rows) for rows in streams.values()], dim=1)
        of_id, *others = product(self.looped, beside).split(self.dim, dim=1)
        for _ in range(self.options.layers - 1):
            of_id = product(self.looped, of_id)
        return dict(zip(streams, map(self.sides, (of_id, *others)), strict=True))

    def ranking(self, streams, finals, batch: Batch) -> torch.Tensor:
        """BPR of every stream, and the layer-0 rows of each triplet."""
        total = sum(bpr(*_at(view, batch)) for view in finals.values())
        norms = {name: half_squares(*_at(view, batch)) for name, view in streams.items()}
        others = sum(norm for name, norm in norms.items() if name != "id")
        norm = norms["id"] + self.options.content_decay * others
        return total + self.options.weight_decay * norm

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss."""
        streams = self.streams()
        return self.ranking(streams, self.finals(streams), batch)


def _at(view, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    users, items = view
    return users[batch.users], items[batch.positives], items[batch.negatives]
