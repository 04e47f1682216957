"""Sparse matrices of torch, and layers over them."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Graph(NamedTuple):
    """A sparse matrix in CSR form."""

    matrix: torch.Tensor
    symmetric: bool = False


class SymmetricProduct(torch.autograd.Function):
    """A symmetric matrix times dense rows: the same product forward and backward."""

    #: whether `product` takes it; otherwise torch derives the backward itself
    used = False

    @staticmethod
    def forward(ctx, matrix, rows):
        ctx.matrix = matrix
        return torch.mm(matrix, rows)

    @staticmethod
    def backward(ctx, gradient):
        return None, torch.mm(ctx.matrix, gradient)


def product(graph: Graph, rows: torch.Tensor) -> torch.Tensor:
    """The matrix times rows f32[n, d]."""
    if graph.symmetric and SymmetricProduct.used:
        return SymmetricProduct.apply(graph.matrix, rows)
    return torch.sparse.mm(graph.matrix, rows)


def layers_of(graph: Graph, rows: torch.Tensor, count: int) -> list[torch.Tensor]:
    """X, P X, ..., P^count X."""
    layers = [rows]
    for _ in range(count):
        layers.append(product(graph, layers[-1]))
    return layers


def mean_of(layers: list[torch.Tensor]) -> torch.Tensor:
    """The mean of layers."""
    return sum(layers) / len(layers)


def sparse(rows, columns, values, shape, *, symmetric: bool = False) -> Graph:
    """A matrix of its entries, in any order."""
    places = torch.stack([rows, columns])
    entries = torch.sparse_coo_tensor(places, values, shape).coalesce()
    return Graph(entries.to_sparse_csr(), symmetric)


def normalised(
    rows: torch.Tensor,
    columns: torch.Tensor,
    n: int,
    *,
    right: float = -0.5,
    guard: float = 0.0,
) -> Graph:
    """D^-1/2 A D^right, A the entries of 1 at rows and columns, which hold both directions.

    Args:
      rows, columns: i64 of nodes.
      n: nodes.
      right: the power of the degree by which a node passes on.
      guard: added to degrees.
    """
    degrees = torch.bincount(rows, minlength=n).to(torch.get_default_dtype()) + guard
    values = degrees[rows] ** -0.5 * degrees[columns] ** right
    return sparse(rows, columns, values, (n, n), symmetric=right == -0.5)


def users_block(graph: Graph, n_users: int) -> Graph:
    """Of a graph of users, then items: what users receive from items."""
    entries = graph.matrix.to_sparse_coo()
    rows, columns = entries.indices()
    here = rows < n_users
    shape = n_users, graph.matrix.shape[1] - n_users
    return sparse(rows[here], columns[here] - n_users, entries.values()[here], shape)


def both_ways(users: torch.Tensor, items: torch.Tensor, n_users: int):
    """Rows and columns of interactions in both directions; items come after users."""
    items = n_users + items
    return torch.cat([users, items]), torch.cat([items, users])


def with_loops(rows: torch.Tensor, columns: torch.Tensor, n: int):
    """The entries and those of the diagonal."""
    own = torch.arange(n)
    return torch.cat([rows, own]), torch.cat([columns, own])
