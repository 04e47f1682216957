"""Sparse structure as arrays; shapes and dtypes are the contract.

Sizes: I users, J items, E entities, R relations, d embedding size, nnz stored entries. Node ids
of the user-item graph: users 0..I-1, then items I..I+J-1.
"""

from __future__ import annotations

from typing import NamedTuple

import jax


class SparseOperator(NamedTuple):
    """A sparse [rows, columns] matrix stored so that it and its transpose multiply fast.

    Entries are sorted by (row, column). `to_transpose` lists the same entries sorted
    by (column, row), so `values[to_transpose]` are the values of the transpose.
    """

    values: jax.Array  #: f32[nnz]
    row_starts: jax.Array  #: i32[rows + 1]
    columns: jax.Array  #: i32[nnz]
    rows: jax.Array  #: i32[nnz]
    column_starts: jax.Array  #: i32[columns + 1]
    to_transpose: jax.Array  #: i32[nnz]


class SparsePair(NamedTuple):
    """A sparse matrix that carries gradients: itself and its transpose."""

    forward: SparseOperator
    transpose: SparseOperator


class Laplacian(NamedTuple):
    """Eq. 4 by its blocks: users meet items only."""

    to_users: SparseOperator  #: [I, J]
    to_items: SparseOperator  #: [J, I], the transpose


class KnowledgeGraph(NamedTuple):
    """Item-entity relations; the values of `structure` are 0 on padding, 1 elsewhere."""

    structure: SparseOperator  #: [J, E], values are the weights
    relations: jax.Array  #: i32[nnz], relation of each stored triple


class EntityRows(NamedTuple):
    """The same relations, item after item, with their columns of the denoiser's row (eq. 9)."""

    row_starts: jax.Array  #: i32[J + 1]
    entities: jax.Array  #: i32[nnz]
    relations: jax.Array  #: i32[nnz]
    columns: jax.Array  #: i32[nnz]; past the last one where a triple is hidden
    positions: jax.Array  #: i32[K], 0 to K - 1, K the most triples of an item
