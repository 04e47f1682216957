"""Each item's nearest items by content, as one sparse matrix.

Every kind of content that the data set has gives its own nearest items: relations whose
entities are items, as given; dense features, by cosine; the other triples, of each relation
or of all together, by the cosine of their entities weighted by rarity. Each is normalised on
both sides, so that an item that is near to many weighs less; the matrix is a weighted mean of
the kinds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.co_interaction import lift
from kdiffe_jax.data.content.neighbours import feature_neighbours
from kdiffe_jax.data.content.shared_entities import neighbours_by_entities
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.relation import ITEMS, Relation, join_relations
from kdiffe_jax.errors import DataError


class Neighbours(NamedTuple):
    """Nearest items, and how much each kind of content counts."""

    matrix: sparse.csr_array  #: f32[J, J], no diagonal
    note: str


def nearest_items(
    dataset: Dataset, n_nearest: int, *, by_lift: bool, each_relation: bool = False
) -> Neighbours:
    """The weighted mean over the kinds of content of D^-1/2 N D^-1/2.

    Args:
      dataset: features and triples as the source has them, before codes are made.
      n_nearest: items by each kind that is computed; given relations are taken whole.
      by_lift: weigh each kind by what its links tell of the training interactions,
        `weights_by_lift`, or all the same.
      each_relation: the triples of each relation are a kind of their own, or those of all
        together are one.

    Raises:
      DataError: there is no content at all.
    """
    kinds = [kind for kind in _kinds(dataset, n_nearest, each_relation) if len(kind.items)]
    if not kinds:
        raise DataError(
            f"{dataset.name}: no features, neighbours or triples to find nearest items by; "
            "leave --neighbour_weight and --neighbour_smoothing at 0"
        )
    lifts = [_lift_of(kind, dataset) for kind in kinds] if by_lift else None
    weights = np.full(len(kinds), 1 / len(kinds)) if lifts is None else weights_by_lift(lifts)
    matrices = (_normalised(kind, dataset.n_items) for kind in kinds)
    total = sum(np.float32(w) * m for w, m in zip(weights, matrices, strict=True))
    return Neighbours(sparse.csr_array(total), _note(kinds, weights, lifts))


def weights_by_lift(lifts: list[float]) -> np.ndarray:
    """Weights of sum 1 in proportion to the lift less 1; all the same where none is above 1.

    >>> weights_by_lift([2.0, 4.0, 0.5]).tolist()
    [0.25, 0.75, 0.0]
    """
    told = np.maximum(np.asarray(lifts) - 1.0, 0.0)
    return told / told.sum() if told.any() else np.full(len(lifts), 1.0 / len(lifts))


def _lift_of(kind: Relation, dataset: Dataset) -> float:
    links = np.stack([kind.items, kind.entities], axis=1)
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    return lift(dataset.train, links, share=dataset.share, **sizes)


def _note(kinds, weights, lifts) -> str:
    parts = [f"{kind.name} {weight:.2f}" for kind, weight in zip(kinds, weights, strict=True)]
    if lifts is not None:
        parts = [f"{part} (lift {of:.2f})" for part, of in zip(parts, lifts, strict=True)]
    return "nearest items by " + ", ".join(parts)


def without_item_relations(dataset: Dataset) -> Dataset:
    """The data set without the triples whose entities are items, and a note that says so."""
    is_item = dataset.items_of_entities()[dataset.triples[:, 2]] >= 0
    if not is_item.any():
        return dataset
    names = dataset.entities_by_name()
    relations = []
    for number, name in enumerate(dataset.relation_names):
        links = dataset.triples[(dataset.triples[:, 1] == number) & ~is_item]
        used, entities = np.unique(links[:, 2], return_inverse=True)
        of_entities = tuple(names[e] for e in used)
        if len(links):
            space = "entities"
            relations.append(Relation(name, links[:, 0], entities, of_entities, space=space))
    note = f"{int(is_item.sum())} relations between items are neighbours, not triples"
    return dataset.with_knowledge(join_relations(relations, ()), note)


def _kinds(dataset: Dataset, n_nearest: int, each_relation: bool) -> Iterator[Relation]:
    of_entities = dataset.items_of_entities()
    triples = dataset.triples
    is_item = of_entities[triples[:, 2]] >= 0
    for number, name in enumerate(dataset.relation_names):
        links = triples[(triples[:, 1] == number) & is_item]
        yield Relation(name, links[:, 0], of_entities[links[:, 2]], space=ITEMS)
    for modality, rows in sorted(dataset.features.items()):
        yield feature_neighbours(modality, rows, n_nearest, standardised=True)
    yield from _by_entities(dataset, triples[~is_item], n_nearest, each_relation)


def _by_entities(
    dataset: Dataset, triples: np.ndarray, n_nearest: int, each_relation: bool
) -> Iterator[Relation]:
    # Not the relations that preparation made of features which are there themselves.
    coded = [n for n, name in enumerate(dataset.relation_names) if name in dataset.features]
    numbers = np.setdiff1d(triples[:, 1], coded)
    sizes = dict(n_items=dataset.n_items, n_entities=dataset.n_entities)
    for together in numbers[:, None] if each_relation else (numbers,):
        chosen = triples[np.isin(triples[:, 1], together)]
        kind = neighbours_by_entities(chosen, n_nearest, **sizes)
        if each_relation:
            kind = dataclasses.replace(kind, name=f"shared {dataset.relation_names[together[0]]}")
        yield kind


def _normalised(kind: Relation, n_items: int) -> sparse.csr_array:
    ones = np.ones(len(kind.items), np.float32)
    links = sparse.csr_array((ones, (kind.items, kind.entities)), shape=(n_items, n_items))
    left, right = (
        sparse.diags_array(1.0 / np.sqrt(np.maximum(links.sum(axis=axis), 1.0))) for axis in (1, 0)
    )
    return sparse.csr_array(left @ links @ right, dtype=np.float32)
