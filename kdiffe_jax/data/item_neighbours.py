"""Each item's nearest items by content, as one sparse matrix.

Every kind of content that the data set has gives its own nearest items: relations whose
entities are items, as given; dense features, by cosine; the other triples, of each relation
or of all together, by the cosine of their entities weighted by rarity. Each is normalised on
both sides, so that an item that is near to many weighs less; the matrix is a weighted sum of
the kinds. Cold items, which have nothing but content, have weights of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.beside_interactions import Told, told_beside_interactions
from kdiffe_jax.data.co_interaction import Lift, lift
from kdiffe_jax.data.content.largest import MISSED
from kdiffe_jax.data.content.neighbours import feature_neighbours
from kdiffe_jax.data.content.shared_entities import neighbours_by_entities
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.relation import ITEMS, Relation, join_relations
from kdiffe_jax.data.rows import places_by_relation
from kdiffe_jax.data.same_links import merged_where_same
from kdiffe_jax.errors import DataError

# A gain is over what interactions tell; as much says that they tell nothing.
_UNBOUNDED = 1000.0


class Neighbours(NamedTuple):
    """Nearest items, and how much each kind of content counts."""

    matrix: sparse.csr_array  #: f32[J, J], no diagonal; empty where content tells nothing
    of_cold: sparse.csr_array  #: f32[J, J], those that may stand in for a cold item
    note: str


def nearest_items(
    dataset: Dataset, n_nearest: int, *, weighed: str = "equal", each_relation: bool = False
) -> Neighbours:
    """The weighted sum over the kinds of content of D^-1/2 N D^-1/2.

    Args:
      dataset: features and triples as the source has them, before codes are made.
      n_nearest: items by each kind that is computed; given relations are taken whole.
      weighed: "equal", all kinds the same, of sum 1; "lift", by what their links tell of the
        training interactions, `weights_by_lift`; "evidence", by lift as far as they tell
        something beside these, `rows_by_evidence`, kinds of the same links counting once, and
        by lift alone for cold items.
      each_relation: the triples of each relation are a kind of their own, or those of all
        together are one.

    Raises:
      DataError: there is no content at all.
    """
    kinds = kinds_of_nearest(dataset, n_nearest, each_relation=each_relation)
    if not kinds and dataset.has_content:
        none = sparse.csr_array((dataset.n_items, dataset.n_items), dtype=np.float32)
        return Neighbours(none, none, "content links no two items, so none has nearest ones")
    if not kinds:
        raise DataError(
            f"{dataset.name}: no features, neighbours or triples to find nearest items by; "
            "take --neighbour_weight=0 and --cold_items=own"
        )
    if weighed == "evidence":
        return _by_evidence(merged_where_same(kinds, dataset.n_items), dataset)
    lifts = [_lift_of(kind, dataset) for kind in kinds] if weighed == "lift" else None
    weights = np.full(len(kinds), 1 / len(kinds)) if lifts is None else weights_by_lift(lifts)
    total = _weighted(weights, [normalised(kind, dataset.n_items) for kind in kinds])
    return Neighbours(total, total, _note(kinds, weights, lifts))


def _by_evidence(kinds: list[Relation], dataset: Dataset) -> Neighbours:
    matrices = [normalised(kind, dataset.n_items) for kind in kinds]
    lifts = [_lift_of(kind, dataset) for kind in kinds]
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    told = told_beside_interactions(dataset.train, matrices, share=dataset.share, **sizes)
    has = np.stack([np.diff(matrix.indptr) > 0 for matrix in matrices], axis=1)
    rows = rows_by_evidence(has, lifts, told)
    weights = rows.sum(axis=0) / np.maximum(has.sum(axis=0), 1)
    of_cold = _weighted(weights_by_lift(lifts), matrices)
    note = _note(kinds, weights, lifts, told)
    if not rows.any():
        note = f"content tells nothing beside interactions: {note}"
    return Neighbours(_weighted(rows, matrices), of_cold, note)


def rows_by_evidence(has: np.ndarray, lifts: list[Lift], told: list[Told]) -> np.ndarray:
    """The weight of each kind in each item's row: t_i s_k / sum_k' s_k' over the item's kinds.

    s_k is the lift less 1 of a kind that can be trusted, 0 of another. t_i, the sum of the trust
    in the item's kinds, 1 at most, is what all of its content may weigh.

    Args:
      has: bool[J, K], whether an item has nearest items by a kind.
      lifts, told: of each kind.

    Returns:
      f64[J, K], no row's sum above 1.

    >>> lifts = [Lift(3.0, 0.1), Lift(2.0, 0.1), Lift(9.0, 4.0)]
    >>> told = [Told(0.3, 0.4, 0.05), Told(0.1, 0.2, 0.05), Told(0.0, 0.1, 0.5)]
    >>> rows_by_evidence(np.array([[True, True, True], [False, True, True]]), lifts, told).round(2)
    array([[0.27, 0.13, 0.  ],
           [0.  , 0.1 , 0.  ]])
    """
    trust = np.array([one.trust for one in told])
    shares = has * np.where(trust > 0, np.maximum([of.value - 1.0 for of in lifts], 0.0), 0.0)
    sums = shares.sum(axis=1, keepdims=True)
    allowed = np.minimum(has @ trust, 1.0)[:, None]
    return allowed * np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)


def _weighted(weights: np.ndarray, matrices: list[sparse.csr_array]) -> sparse.csr_array:
    """The sum of the matrices, their rows times f64[K] or f64[J, K]."""
    rows = np.broadcast_to(weights, (matrices[0].shape[0], len(matrices))).astype(np.float32)
    scaled = (sparse.diags_array(r) @ m for r, m in zip(rows.T, matrices, strict=True))
    total = sparse.csr_array(sum(scaled))
    total.eliminate_zeros()
    return total


def weights_by_lift(lifts: list[Lift]) -> np.ndarray:
    """Weights of sum 1 in proportion to the lift less 1; all the same where none is above 1.

    >>> weights_by_lift([Lift(2.0, 0.1), Lift(4.0, 0.1), Lift(0.5, 0.1)]).tolist()
    [0.25, 0.75, 0.0]
    """
    told = np.maximum([of.value - 1.0 for of in lifts], 0.0)
    return told / told.sum() if told.any() else np.full(len(lifts), 1.0 / len(lifts))


def _lift_of(kind: Relation, dataset: Dataset) -> Lift:
    links = np.stack([kind.items, kind.entities], axis=1)
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    return lift(dataset.train, links, share=dataset.share, **sizes)


def _note(kinds, weights, lifts: list[Lift] | None, told: list[Told] | None = None) -> str:
    parts = [f"{kind.name} {weight:.2f}" for kind, weight in zip(kinds, weights, strict=True)]
    said: list[list[str]] = [[] for _ in parts]
    for place, one in enumerate(told or ()):
        bounded = abs(one.gain) < _UNBOUNDED
        said[place].append(
            f"gain {one.gain:.2f} ± {one.error:.2f}" if bounded else "gain without bound"
        )
    for place, of in enumerate(lifts or ()):
        said[place].append(f"lift {of.value:.2f} ± {of.error:.2f}")
    parts = [f"{p} ({', '.join(s)})" if s else p for p, s in zip(parts, said, strict=True)]
    searches = (kind.note for kind in kinds if MISSED in kind.note)
    return "; ".join(["nearest items by " + ", ".join(parts), *searches])


def without_item_relations(dataset: Dataset) -> Dataset:
    """The data set without the triples whose entities are items, and a note that says so."""
    is_item = dataset.items_of_entities()[dataset.triples[:, 2]] >= 0
    if not is_item.any():
        return dataset
    names = dataset.entities_by_name()
    relations = []
    rest = dataset.triples[~is_item]
    for name, places in places_by_relation(rest, dataset.relation_names):
        links = rest[places]
        used, entities = np.unique(links[:, 2], return_inverse=True)
        if len(links):
            keys = tuple(used.tolist())
            of_entities = tuple(names[e] for e in keys)
            known = dict(space="entities", entity_keys=keys)
            relations.append(Relation(name, links[:, 0], entities, of_entities, **known))
    note = f"{int(is_item.sum())} relations between items are neighbours, not triples"
    return dataset.with_knowledge(join_relations(relations, ()), note)


def kinds_of_nearest(
    dataset: Dataset, n_nearest: int, *, each_relation: bool = False
) -> list[Relation]:
    """Nearest items by every kind of content that links any: the arguments of `nearest_items`."""
    return [kind for kind in _kinds(dataset, n_nearest, each_relation) if len(kind.items)]


def _kinds(dataset: Dataset, n_nearest: int, each_relation: bool) -> Iterator[Relation]:
    of_entities = dataset.items_of_entities()
    triples = dataset.triples
    is_item = of_entities[triples[:, 2]] >= 0
    of_items = triples[is_item]
    listed = {dataset.relation_names[n] for n in np.unique(of_items[:, 1])}
    for name, places in places_by_relation(of_items, dataset.relation_names):
        links = of_items[places]
        yield Relation(name, links[:, 0], of_entities[links[:, 2]], space=ITEMS)
    for modality, rows in sorted(dataset.features.items()):
        name = f"{modality} features" if modality in listed else modality
        yield feature_neighbours(name, rows, n_nearest, standardised=True)
    yield from _by_entities(dataset, triples[~is_item], n_nearest, each_relation)


def _by_entities(
    dataset: Dataset, triples: np.ndarray, n_nearest: int, each_relation: bool
) -> Iterator[Relation]:
    # Not the relations that preparation made of features which are there themselves.
    coded = [n for n, name in enumerate(dataset.relation_names) if name in dataset.features]
    triples = triples[~np.isin(triples[:, 1], coded)]
    sizes = dict(n_items=dataset.n_items, n_entities=dataset.n_entities)
    if not each_relation:
        yield neighbours_by_entities(triples, n_nearest, **sizes)
        return
    for name, places in places_by_relation(triples, dataset.relation_names):
        if len(places):
            kind = neighbours_by_entities(triples[places], n_nearest, **sizes)
            yield dataclasses.replace(kind, name=f"shared {name}")


def normalised(kind: Relation, n_items: int) -> sparse.csr_array:
    """D^-1/2 N D^-1/2 of a kind's links, f32[J, J]."""
    ones = np.ones(len(kind.items), np.float32)
    links = sparse.csr_array((ones, (kind.items, kind.entities)), shape=(n_items, n_items))
    left, right = (
        sparse.diags_array(1.0 / np.sqrt(np.maximum(links.sum(axis=axis), 1.0))) for axis in (1, 0)
    )
    return sparse.csr_array(left @ links @ right, dtype=np.float32)
