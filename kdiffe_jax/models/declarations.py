"""What a model declares: the inputs it needs, what its batches hold, how its parts learn."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from kdiffe_jax.data.feature_rows import FeatureForm


class Needs(NamedTuple):
    """What is built for a model; what is not asked for stays None."""

    features: bool = False  #: one matrix of the items a modality; refused where there is none
    sparse_features: bool = False  #: where there are none, rows of entities or neighbours stand in
    feature_form: FeatureForm = "raw"  #: `data.feature_rows.in_form`
    item_graphs: int = 0  #: nearest items a modality, `Inputs.item_graphs`; 0: none are made
    knowledge: Literal["none", "items"] = "none"  #: item-relation-entity triples
    any_triples: bool = False  #: refused where there are none; else an empty graph will do
    guidance: bool = False  #: the mean over an item's users
    edge_dropping: bool = False  #: `graph.drop_edges.drop_edges` will be called


class Sampling(NamedTuple):
    """What a step's batch holds.

    By interactions, an epoch takes each once; by users, every step takes different users, one of
    each one's interactions at random, and there are as many steps.
    """

    by: Literal["interactions", "users"] = "interactions"
    negatives: int = 1  #: items that the user has not, for each interaction
    of_trained: bool = False  #: whether negatives are items of the training split alone
    rows: Literal["none", "items", "users", "nodes"] = "none"  #: what `Batch.row_nodes` numbers
    rows_of_step: int = 1  #: at least; an epoch then looks at every node more than once


class Idle(NamedTuple):
    """Options that change nothing where another one has a value."""

    names: tuple[str, ...]  #: the options without effect
    option: str  #: the other one
    value: Any  #: of the other one, beside which they have none


class Part(NamedTuple):
    """A top-level entry of the parameters that learns in a way of its own."""

    name: str
    rate: float = 1.0  #: times that of its objective
    decay: float = 0.0  #: what a parameter loses of itself, times the rate (decoupled)


class Objective(NamedTuple):
    """A loss with an optimiser of its own; several are taken in turn within a step."""

    name: str = "loss"
    rate: float = 1.0  #: times the learning rate
    parts: tuple[Part, ...] = ()  #: those that differ from the rest
