"""Arrays that cross the walls between rooms; shapes and dtypes are the contract.

Sizes: I users, J items, E entities, R relations, d embedding size, nnz stored
entries. Node ids of the user-item graph: users 0..I-1, then items I..I+J-1.
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


class Laplacian(NamedTuple):
    """Eq. 4 by its blocks: but for self-loops, users meet items only."""

    to_users: SparseOperator  #: [I, J]
    to_items: SparseOperator  #: [J, I], the transpose
    loops: jax.Array | None  #: f32[I + J], the diagonal; None where it is zero


class TwoWay(NamedTuple):
    """A sparse matrix that carries gradients: itself and its transpose."""

    there: SparseOperator
    back: SparseOperator


class KnowledgeGraph(NamedTuple):
    """Item-entity relations; the values of `structure` are 0 on padding, 1 elsewhere."""

    structure: SparseOperator  #: [J, E], values are the weights
    relations: jax.Array  #: i32[nnz], relation of each stored triple


class EntityRows(NamedTuple):
    """The same relations as a table, one row an item, padded on the right (eq. 9)."""

    entities: jax.Array  #: i32[J, K], E where there is none
    relations: jax.Array  #: i32[J, K], 0 where there is none
    columns: jax.Array  #: i32[J, K], of the denoiser's row; past the last where there is none


class Graphs(NamedTuple):
    """All constant structure that training reads; passed as an argument, never closed over."""

    laplacian: Laplacian  #: eq. 4
    item_users: SparseOperator | TwoWay  #: [J, I], rows sum to 1, eq. 11; a pair where it is split
    knowledge: KnowledgeGraph
    rows: EntityRows
    entity_relation: jax.Array  #: i32[E], the relation an entity has most often
    entity_items: jax.Array | None  #: i32[E], the item an entity is, else -1; None if none is
    neighbours: TwoWay | None  #: f32[J, J], nearest items by content; None where unused
    stand_ins: SparseOperator | None = None  #: f32[J, J], trained items for cold ones; None unused
    dropped: Laplacian | None = None  #: the second view's Laplacian where it drops edges


class Batch(NamedTuple):
    """One step: BPR triplets and the items whose rows the denoiser sees."""

    users: jax.Array  #: i32[B]
    positives: jax.Array  #: i32[B], items
    negatives: jax.Array  #: i32[B], items
    weights: jax.Array  #: f32[B], 0 on padding
    row_items: jax.Array  #: i32[n], items
    row_weights: jax.Array  #: f32[n], 0 on padding


class Strengths(NamedTuple):
    """The step's continuous hyper-parameters, traced so that one compilation serves all."""

    theta_1: jax.Array
    theta_2: jax.Array
    temperature: jax.Array
    softmax_temperature: jax.Array
    learning_rate: jax.Array


class RankingTask(NamedTuple):
    """Users to rank for, what they have seen and what they should be given."""

    users: jax.Array  #: i32[N]
    seen: jax.Array  #: i32[N, S], J on padding
    relevant: jax.Array  #: i32[N, P], -1 on padding
