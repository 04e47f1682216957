"""NCL: LightGCN, contrasts of two layers and of nodes with the centres of their clusters."""

from __future__ import annotations

from typing import NamedTuple

import torch

from benchmarks.torch_models.base import Batch, Draws
from benchmarks.torch_models.graphs import layers_of, mean_of
from benchmarks.torch_models.lightgcn import LightGCN
from benchmarks.torch_models.losses import nce

_ITERATIONS = 25


class Clusters(NamedTuple):
    """Centres, and the nearest one of every row."""

    centres: torch.Tensor
    assignment: torch.Tensor


class NCL(LightGCN):
    """Clusters are made before the first epoch and after each."""

    def begin_epoch(self) -> None:
        """Clusters, where there are none yet."""
        if not hasattr(self, "clusters"):
            self.end_epoch()

    def end_epoch(self) -> None:
        """Clusters of users and of items."""
        tables = (self.tables["user_embedding"], self.tables["item_embedding"])
        self.clusters = [k_means(table.detach(), self.options.clusters) for table in tables]

    def loss(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """The ranking loss, both contrasts of each side, and the norm, which is not squared."""
        options, far = self.options, 2 * self.options.hyper_layers
        layers = layers_of(self.graph, self.layer_zero(), max(options.layers, far))
        total = self.ranking(*self.sides(mean_of(layers[: options.layers + 1])), batch)
        norm = sum(torch.linalg.norm(rows) for rows in self.rows_of(batch))
        total = total + options.norm_weight * norm / len(batch.users)
        nodes, tau = (batch.users, batch.positives), options.temperature
        structure = _weights(options.structure_weight, options.structure_item_weight)
        prototype = _weights(options.prototype_weight, options.prototype_item_weight)
        starts, distants = self.sides(layers[0]), self.sides(layers[far])
        sides = zip(starts, distants, nodes, self.clusters, structure, prototype, strict=True)
        for start, distant, own, (centres, assignment), of_layers, of_centres in sides:
            total = total + of_layers * nce(distant[own], start, tau, own)
            total = total + of_centres * nce(start[own], centres, tau, assignment[own])
        return total


def _weights(users: float, items_beside: float) -> tuple[float, float]:
    return users, users * items_beside


def k_means(rows: torch.Tensor, n_clusters: int) -> Clusters:
    """Lloyd's iterations from random rows; a cluster without rows keeps its centre."""
    centres = rows[torch.randperm(len(rows))[:n_clusters]]
    for _ in range(_ITERATIONS):
        assignment = nearest(rows, centres)
        counts = torch.bincount(assignment, minlength=len(centres))[:, None]
        sums = torch.zeros_like(centres).index_add_(0, assignment, rows)
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return Clusters(centres, nearest(rows, centres))


def nearest(rows: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """The centre of the smallest distance."""
    return (rows @ centres.T - 0.5 * centres.square().sum(dim=1)).argmax(dim=1)
