"""DiffMM: content and interactions over one graph, beside a generated graph of each modality."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import nn
from torch.nn import functional

from benchmarks.torch_models.base import Batch, Draws, Form, mapped
from benchmarks.torch_models.graphs import Graph, both_ways, layers_of, normalised, product
from benchmarks.torch_models.graphs import with_loops as looped
from benchmarks.torch_models.losses import bpr, dropout, nce, unit
from benchmarks.torch_models.row_denoiser import RowDenoiser

_ROWS_AT_ONCE = 1024
_SLOPE = 0.2
View = tuple[torch.Tensor, torch.Tensor]


class DiffMM(Form):
    """A denoiser of the users' rows for each modality."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.add_table("user_embedding", problem.n_users, dim)
        self.add_table("item_embedding", problem.n_items, dim)
        count = len(problem.features)
        self.tables["modal_weight"] = nn.Parameter(torch.full((count,), 1.0 / count))
        self.denoisers = nn.ModuleDict()
        for name, rows in problem.features.items():
            if options.content_map == "linear":
                self.add_map(f"{name}_linear", rows.shape[1], dim)
            else:
                self.add_table(f"{name}_matrix", rows.shape[1], dim)
            denoiser = RowDenoiser(problem.n_items, options, of_unit_rows=False)
            self.denoisers[f"denoiser_{name}"] = denoiser
        self.looped = self._with_loops(problem.users, problem.items)
        self.rows = torch.zeros(problem.n_users, problem.n_items, dtype=torch.uint8)
        self.rows[problem.users, problem.items] = 1

    def begin_epoch(self) -> None:
        """Generated graphs, where there are none yet."""
        if not hasattr(self, "generated"):
            self.end_epoch()

    def end_epoch(self) -> None:
        """In which every user has the item that a modality's denoiser ranks first."""
        self.generated = {}
        for name in self.problem.features:
            denoiser = self.denoisers[f"denoiser_{name}"]
            first = [
                denoiser.reversed(rows.to(torch.get_default_dtype())).argmax(dim=1)
                for rows in self.rows.split(_ROWS_AT_ONCE)
            ]
            self.generated[name] = self.graph_of_first(torch.cat(first))

    def graph_of_first(self, items: torch.Tensor, kept: torch.Tensor | None = None) -> Graph:
        """One item a user, with loops, less some entries; those of `kept` [n, n] stay."""
        whole = self._with_loops(torch.arange(len(items)), items).matrix
        if kept is not None:
            kept = kept[*whole.to_sparse_coo().indices()]
        values = dropout(whole.values(), self.options.edge_drop, kept)
        starts, columns = whole.crow_indices(), whole.col_indices()
        return Graph(torch.sparse_csr_tensor(starts, columns, values, whole.shape))

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """What is recommended by and the denoisers' losses."""
        content = self.content()
        told = self.denoiser_loss(content, batch.row_nodes, draws)
        return self.main_loss(content, batch) + told

    def content(self) -> dict[str, torch.Tensor]:
        """F_m of each modality."""
        found = {}
        for name, rows in self.problem.features.items():
            if self.options.content_map == "linear":
                found[name] = mapped(rows, self.maps[f"{name}_linear"])
            else:
                found[name] = functional.leaky_relu(rows @ self.tables[f"{name}_matrix"], _SLOPE)
        return found

    def main_loss(self, content: dict[str, torch.Tensor], batch: Batch) -> torch.Tensor:
        """Ranking, norm and contrast."""
        content = {name: unit(rows) for name, rows in content.items()}
        users, items = main = self._ranking(content)
        views = self._views(content)
        pairs = [(main, view) for view in views]
        if self.options.contrast_with == "modalities":
            pairs = list(combinations(views, 2))
        contrast = sum(self._told(*pair, batch) for pair in pairs)
        names = ("user_embedding", "item_embedding")
        norm = sum(self.tables[name].square().sum() for name in names)
        return (
            bpr(users[batch.users], items[batch.positives], items[batch.negatives])
            + self.options.contrast_weight * contrast
            + self.options.norm_weight * norm
        )

    def denoiser_loss(self, content, nodes: torch.Tensor, draws: Draws) -> torch.Tensor:
        """The ELBO of each modality, and how far predicted rows are from a user's taste."""
        rows = self.rows[nodes].to(torch.get_default_dtype())
        taste, total = rows @ self.tables["item_embedding"].detach(), 0.0
        for name, items in content.items():
            denoiser = self.denoisers[f"denoiser_{name}"]
            found, elbo = denoiser.denoised(rows, draws.get(name, {}))
            guidance = (found @ items.detach() - taste).square().mean()
            total = total + elbo + self.options.guidance_weight * guidance
        return total

    def _ranking(self, content: dict[str, torch.Tensor]) -> View:
        """Z; the modalities are mixed before they are propagated."""
        users, items = self.tables["user_embedding"], self.tables["item_embedding"]
        shares = dict(zip(content, self.tables["modal_weight"].softmax(dim=0), strict=True))
        mixed = sum(shares[name] * rows for name, rows in content.items())
        first = product(self.looped, torch.cat([users, mixed]))
        reached = torch.cat([self.sides(first)[0], items])
        rows, start = first + product(self.looped, reached), torch.cat([users, items])
        for name, share in shares.items():
            told = product(self.generated[name], start)
            rows = rows + self.options.generated_weight * share * told
        final = sum(layers_of(self.looped, rows, self.options.layers))
        return self.sides(final + self.options.residual * unit(rows))

    def _views(self, content: dict[str, torch.Tensor]) -> list[View]:
        """V_m, one product a layer for all."""
        users = self.tables["user_embedding"]
        starts = (product(self.generated[n], torch.cat([users, x])) for n, x in content.items())
        beside = torch.cat(list(starts), dim=1)
        finals = sum(layers_of(self.looped, beside, self.options.layers))
        return [self.sides(rows) for rows in finals.split(self.dim, dim=1)]

    def _told(self, one: View, other: View, batch: Batch) -> torch.Tensor:
        """Nodes of the batch among all of their side."""
        tau = self.options.temperature
        users = nce(one[0][batch.users], other[0], tau, batch.users)
        return users + nce(one[1][batch.positives], other[1], tau, batch.positives)

    def _with_loops(self, users: torch.Tensor, items: torch.Tensor) -> Graph:
        n = self.problem.n_users + self.problem.n_items
        return normalised(*looped(*both_ways(users, items, self.problem.n_users), n), n)
