"""DiffKG: attention over a knowledge graph and over what a diffusion model leaves of it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from benchmarks.torch_models.base import Batch, Draws, Form
from benchmarks.torch_models.graphs import both_ways, layers_of, normalised, product, sparse
from benchmarks.torch_models.graphs import with_loops as looped
from benchmarks.torch_models.losses import bpr, dropout, nce, unit
from benchmarks.torch_models.row_denoiser import RowDenoiser

_ROWS_AT_ONCE = 1024
_SLOPE = 0.2


class Edges(NamedTuple):
    """Of a graph of items and then entities, in both directions."""

    heads: torch.Tensor
    tails: torch.Tensor
    relations: torch.Tensor

    def at(self, chosen: torch.Tensor) -> Edges:
        """Some of them."""
        return Edges(*(ends[chosen] for ends in self))


class DiffKG(Form):
    """Two views of one knowledge graph, and a denoiser of its rows."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        self.n_nodes = problem.n_items + problem.n_entities
        self.add_table("user_embedding", problem.n_users, dim)
        self.add_table("entity_embedding", self.n_nodes, dim)
        self.add_table("relation_embedding", 2 * problem.n_relations, dim)
        self.add_table("attention", 2 * dim, dim)
        self.denoiser = RowDenoiser(self.n_nodes, options, of_unit_rows=True)
        self.denoisers = {"denoiser": self.denoiser}
        n = problem.n_users + problem.n_items
        edges = looped(*both_ways(problem.users, problem.items, problem.n_users), n)
        self.looped = normalised(*edges, n)
        ones, shape = torch.ones(len(problem.users)), (problem.n_items, problem.n_users)
        self.users_of_items = sparse(problem.items, problem.users, ones, shape)
        *ends, near = problem.edges
        self.edges = Edges(*ends)
        self.given = self.edges.at(near)
        self.rows = torch.zeros(self.n_nodes, self.n_nodes, dtype=torch.uint8)
        self.rows[self.edges.heads, self.edges.tails] = 1

    def begin_epoch(self) -> None:
        """A denoised graph, where there is none yet."""
        if not hasattr(self, "rebuilt"):
            self.end_epoch()

    def end_epoch(self) -> None:
        """The edges of which one direction is among the top columns, less a random share."""
        heads, tails, _ = self.edges
        columns = [
            self.denoiser.reversed(rows.to(torch.get_default_dtype()))
            .topk(self.options.rebuild_k, dim=1)
            .indices
            for rows in self.rows.split(_ROWS_AT_ONCE)
        ]
        top = torch.cat(columns) + self.n_nodes * torch.arange(self.n_nodes)[:, None]
        found = [torch.isin(a * self.n_nodes + b, top) for a, b in ((heads, tails), (tails, heads))]
        stay = torch.rand(len(heads)) >= self.options.edge_drop
        self.rebuilt = self.edges.at((found[0] | found[1]) & stay)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """What is recommended by and the denoiser's loss."""
        return self.main_loss(batch, draws) + self.denoiser_loss(batch.row_nodes, draws)

    def main_loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """Ranking by the denoised graph, the contrast with the given one, and the norm."""
        (users, items), (other_users, other_items) = (
            self._view(edges, draws.get(f"view{number}"))
            for number, edges in enumerate((self.rebuilt, self.given))
        )
        tau = self.options.temperature
        contrast = nce(other_users[batch.users], users, tau, batch.users)
        contrast = contrast + nce(other_items[batch.positives], items, tau, batch.positives)
        norm = sum(table.square().sum() for table in self.tables.values())
        return (
            bpr(users[batch.users], items[batch.positives], items[batch.negatives])
            + self.options.contrast_weight * contrast
            + self.options.norm_weight * norm
        )

    def denoiser_loss(self, nodes: torch.Tensor, draws: Draws) -> torch.Tensor:
        """The ELBO, and how far predicted rows of items are from telling a node by its users."""
        rows = self.rows[nodes].to(torch.get_default_dtype())
        found, elbo = self.denoiser.denoised(rows, draws)
        users, own = (self.tables[f"{side}_embedding"].detach() for side in ("user", "entity"))
        told = found[:, : self.problem.n_items] @ product(self.users_of_items, users)
        collaborative = (told - own[nodes]).square().mean()
        weight = self.options.collaborative_weight
        return (1.0 - weight) * elbo + weight * collaborative

    def _view(self, edges: Edges, kept) -> tuple[torch.Tensor, torch.Tensor]:
        """Final users and items; `kept` is what dropout leaves in each layer."""
        rows = out = self.tables["entity_embedding"]
        for layer in range(self.options.kg_layers):
            rows = rows + self._received(edges, rows)
            rows = unit(dropout(rows, self.options.dropout, None if kept is None else kept[layer]))
            out = self.options.residual * out + rows
        start = torch.cat([self.tables["user_embedding"], out[: self.problem.n_items]])
        return self.sides(sum(layers_of(self.looped, start, self.options.layers)))

    def _received(self, edges: Edges, rows: torch.Tensor) -> torch.Tensor:
        """What heads receive of their tails by attention."""
        heads, tails, relations = edges
        of_heads, of_tails = (rows @ part for part in self.tables["attention"].split(self.dim))
        told = self.tables["relation_embedding"][relations]
        logits = ((of_heads[heads] + of_tails[tails]) * told).sum(dim=1)
        weights = _softmax(functional.leaky_relu(logits, _SLOPE), heads, len(rows))
        return torch.zeros_like(rows).index_add(0, heads, weights[:, None] * rows[tails])


def _softmax(logits: torch.Tensor, heads: torch.Tensor, n: int) -> torch.Tensor:
    """Over the edges of each head."""
    top = logits.new_zeros(n).scatter_reduce(0, heads, logits.detach(), "amax", include_self=False)
    raised = (logits - top[heads]).exp()
    return raised / logits.new_zeros(n).index_add(0, heads, raised)[heads]
