"""MHGCF: streams of interactions, content and entities, the last over a graph of all three."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.content import Content
from benchmarks.torch_models.device import tensor_of
from benchmarks.torch_models.graphs import both_ways, layers_of, normalised, with_loops
from benchmarks.torch_models.losses import bpr

_TRIES = 8


class MHGCF(Content):
    """The stream of entities ranks an item's entities too."""

    def __init__(self, problem, options, dim):
        super().__init__(problem, options, dim)
        sizes = problem.n_users, problem.n_items, problem.n_entities
        names = "user_embedding_all", "item_embedding_all", "e_embedding"
        for name, size in zip(names, sizes, strict=True):
            self.add_table(name, size, dim)
        links = np.unique(np.asarray(problem.triples, np.int64)[:, ::2], axis=0)
        items, self.linked = map(tensor_of, links.T)
        self.keys = items * problem.n_entities + self.linked
        self.counts = torch.bincount(items, minlength=problem.n_items)
        self.firsts = self.counts.cumsum(0) - self.counts
        self.joint = self._joint_graph(items)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking losses of all streams and of links, and the norm."""
        streams = self.streams()
        start = self.tables["user_embedding_all"], self.tables["item_embedding_all"]
        rows = torch.cat([*start, self.tables["e_embedding"]])
        rows = layers_of(self.joint, rows, self.options.entity_layers)[-1]
        sizes = [len(start[0]), len(start[1]), self.problem.n_entities]
        users, items, entities = rows.split(sizes)
        finals = self.finals(streams) | {"entities": (users, items)}
        return self.ranking(streams | {"entities": start}, finals, batch) + self._links(
            items, entities, batch.row_nodes, draws
        )

    def _joint_graph(self, items: torch.Tensor):
        problem = self.problem
        n_nodes = problem.n_users + problem.n_items
        rows, columns = both_ways(problem.users, problem.items, problem.n_users)
        heads, tails = problem.n_users + items, n_nodes + self.linked
        edges = torch.cat([rows, heads, tails]), torch.cat([columns, tails, heads])
        n = n_nodes + problem.n_entities
        return normalised(*with_loops(*edges, n), n, right=self.options.popularity - 0.5)

    def _links(self, items, entities, nodes: torch.Tensor, draws: Draws) -> torch.Tensor:
        """BPR of items with an entity that they have and one that they have not."""
        nodes = nodes[self.counts[nodes] > 0]
        own = draws["own"] if "own" in draws else self._one_of(nodes)
        others = draws["others"] if "others" in draws else self._not_of(nodes)
        return bpr(items[nodes], entities[own], entities[others])

    def _one_of(self, nodes: torch.Tensor) -> torch.Tensor:
        chosen = (torch.rand(len(nodes)) * self.counts[nodes]).long()
        return self.linked[self.firsts[nodes] + chosen]

    def _not_of(self, nodes: torch.Tensor) -> torch.Tensor:
        n_entities = self.problem.n_entities
        others = torch.randint(n_entities, nodes.shape)
        for _ in range(_TRIES):
            keys = nodes * n_entities + others
            places = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
            linked = self.keys[places] == keys
            others = torch.where(linked, torch.randint_like(others, n_entities), others)
        return others
