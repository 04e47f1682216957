"""What a form is, and the data that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.torch_models.graphs import Graph, both_ways, normalised

Draws = Mapping[str, Any]


class Problem(NamedTuple):
    """A data set as a form reads it."""

    n_users: int
    n_items: int
    users: torch.Tensor  #: i64[n], of the training interactions
    items: torch.Tensor  #: i64[n]
    features: Mapping[str, torch.Tensor] = {}  #: f32[J, F] by modality
    item_graphs: Mapping[str, Any] = {}  #: scipy f32[J, J] by modality: cosines, diagonal 1
    triples: np.ndarray | None = None  #: int[m, 3] of (item, relation, entity)
    n_entities: int = 1
    n_relations: int = 1
    #: heads, tails and relations of a graph of items, then entities, in both directions, and which
    #: of them are among the few of a head
    edges: tuple[torch.Tensor, ...] | None = None


class Batch(NamedTuple):
    """A step without padding."""

    users: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor
    row_nodes: torch.Tensor


class Form(nn.Module):
    """A model's parameters and losses; a subclass fills `tables` and `maps` and gives `loss`.

    What is random in a step is drawn by the step, unless it is in the mapping that it receives.

    Attributes:
      problem: the data.
      options: the model's own options, by attribute.
      dim: d.
      graph: the Laplacian.
    """

    weight_decay = 0.0  #: of Adam

    def __init__(self, problem: Problem, options: Any, dim: int):
        super().__init__()
        self.problem, self.options, self.dim = problem, options, dim
        self.tables, self.maps = nn.ParameterDict(), nn.ModuleDict()
        self.graph = self.graph_of(problem.users, problem.items)

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The loss of a step."""
        raise NotImplementedError

    def objectives(self) -> list[tuple[Callable[[Batch, Draws], torch.Tensor], float]]:
        """Losses that have an Adam each, and their learning rates over the model's."""
        return [(self.loss, 1.0)]

    def begin_epoch(self) -> None:
        """What is drawn once an epoch."""

    def end_epoch(self) -> None:
        """What is made of the parameters after each epoch."""

    def graph_of(self, users: torch.Tensor, items: torch.Tensor, **form) -> Graph:
        """The Laplacian of some interactions."""
        rows, columns = both_ways(users, items, self.problem.n_users)
        return normalised(rows, columns, self.problem.n_users + self.problem.n_items, **form)

    def some_edges(self, share: float) -> Graph:
        """The Laplacian without a random share of the interactions, degrees taken anew."""
        kept = torch.rand(len(self.problem.users)) >= share
        return self.graph_of(self.problem.users[kept], self.problem.items[kept])

    def sides(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of all nodes as those of users and those of items."""
        return rows.split([self.problem.n_users, self.problem.n_items])

    def add_table(self, name: str, *shape: int) -> None:
        """A parameter from Xavier's uniform distribution."""
        self.tables[name] = nn.Parameter(nn.init.xavier_uniform_(torch.empty(*shape)))

    def add_map(self, name: str, n_in: int, n_out: int) -> None:
        """A linear map."""
        self.maps[name] = nn.Linear(n_in, n_out)


def mapped(rows: torch.Tensor, linear: nn.Linear) -> torch.Tensor:
    """Rows, dense or sparse, through a linear map."""
    if rows.layout == torch.strided:
        return linear(rows)
    return torch.sparse.mm(rows, linear.weight.T) + linear.bias
