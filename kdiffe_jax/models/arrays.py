"""Arrays that pass between a model and what trains, ranks and saves it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.ops.sparse_types import KnowledgeGraph, Laplacian, SparseOperator, SparsePair

Params = Any  #: a pytree of float arrays
Carry = Any  #: a pytree of arrays of static shape, checkpointed with the parameters
Aux = Any  #: a pytree of arrays that the steps of one epoch read
Feature: TypeAlias = jax.Array | SparsePair  #: f32[J, F], dense or sparse


class Sizes(NamedTuple):
    """Sizes of the data."""

    n_users: int  #: I
    n_items: int  #: J
    n_entities: int = 1  #: E, at least 1
    n_relations: int = 1  #: R, at least 1
    feature_widths: tuple[tuple[str, int], ...] = ()  #: (modality, F), by name

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(name for name, _ in self.feature_widths)


class Degrees(NamedTuple):
    """Training interactions of each user and of each item."""

    users: jax.Array  #: f32[I]
    items: jax.Array  #: f32[J]


class Inputs(NamedTuple):
    """All constant structure that a model reads; passed as an argument, never closed over."""

    laplacian: Laplacian  #: eq. 4
    item_users: SparseOperator | SparsePair | None = None  #: [J, I], rows sum to 1 (eq. 11)
    knowledge: KnowledgeGraph | None = None
    entity_items: jax.Array | None = None  #: i32[E], the item an entity is, else -1
    neighbours: SparsePair | None = None  #: f32[J, J], nearest items; None where without weight
    cold_item_proxies: SparseOperator | None = None  #: f32[J, J], trained items for cold ones
    features: dict[str, Feature] | None = None  #: by modality
    degrees: Degrees | None = None  #: interactions of each node
    item_graphs: dict[str, SparsePair] | None = None  #: f32[J, J] by modality: cosines, diagonal 1
    own: Any = ()  #: `Model.constants`


MOST_CONTRASTED = 4096  #: interactions of a step that are told from each other


class Batch(NamedTuple):
    """One step: interactions with negatives, and nodes whose rows are looked at."""

    users: jax.Array  #: i32[B]
    positives: jax.Array  #: i32[B], items
    negatives: jax.Array  #: i32[B], items; i32[B, K] where `Sampling.negatives` is K > 1
    weights: jax.Array  #: f32[B], 0 on padding
    row_nodes: jax.Array  #: i32[n], what `Sampling.rows` says; an entity's node is J + e
    row_weights: jax.Array  #: f32[n], 0 on padding

    def contrasted(self) -> Batch:
        """The batch whose interactions are told from each other: of very many the first ones.

        Interactions come in random order, so these are random ones; what contrasts cost grows
        with their square.
        """
        users, positives, negatives, weights = (a[:MOST_CONTRASTED] for a in self[:4])
        return self._replace(users=users, positives=positives, negatives=negatives, weights=weights)


class View(NamedTuple):
    """What ranks: the score is the inner product of a user's and an item's row."""

    users: jax.Array  #: f32[I, w]
    items: jax.Array  #: f32[J, w]


class Term(NamedTuple):
    """A loss term of one step, as a sum and the weight that turns it into a mean."""

    total: jax.Array
    count: jax.Array

    @property
    def mean(self) -> jax.Array:
        return self.total / jnp.maximum(self.count, 1.0)


class Weighted(NamedTuple):
    """A term and its weight in the loss."""

    term: Term
    weight: jax.Array | float = 1.0


class EdgeWeights(NamedTuple):
    """What each training interaction weighs in the Laplacian; f32[n] each, on the host."""

    weights: np.ndarray  #: A + xi S
    counted: np.ndarray  #: what it counts in the degrees
    similarity: np.ndarray | None = None  #: S, where the model has one
    cached: bool = False  #: whether it was made before
