"""Each item's nearest items by content, as one sparse matrix.

Every kind of content that the data set has gives its own nearest items: relations whose
entities are items, as given; dense features, by cosine; all other triples together, by the
cosine of their entities weighted by rarity. Each is normalised on both sides, so that an
item that is near to many weighs less; the matrix is a weighted mean of the kinds.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.co_interaction import lift
from kdiffe_jax.data.content.neighbours import feature_neighbours
from kdiffe_jax.data.content.shared_entities import neighbours_by_entities
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.relation import ITEMS, Relation, join_relations
from kdiffe_jax.errors import DataError


def neighbour_matrix(dataset: Dataset, n_nearest: int, *, by_lift: bool) -> sparse.csr_array:
    """The weighted mean over the kinds of content of D^-1/2 N D^-1/2.

    Args:
      dataset: features and triples as the source has them, before codes are made.
      n_nearest: items by each kind that is computed; given relations are taken whole.
      by_lift: weigh each kind by what it tells of the training interactions, `kind_weights`,
        or all the same.

    Returns:
      f32[J, J]; no diagonal.

    Raises:
      DataError: there is no content at all.
    """
    kinds = [kind for kind in _kinds(dataset, n_nearest) if len(kind.items)]
    if not kinds:
        raise DataError(
            f"{dataset.name}: no features, neighbours or triples to find nearest items by; "
            "leave --neighbour_weight and --neighbour_smoothing at 0"
        )
    weights = kind_weights(dataset, kinds) if by_lift else np.full(len(kinds), 1.0 / len(kinds))
    matrices = (_normalised(kind, dataset.n_items) for kind in kinds)
    total = sum(np.float32(w) * m for w, m in zip(weights, matrices, strict=True))
    return sparse.csr_array(total)


def kind_weights(dataset: Dataset, kinds: list[Relation]) -> np.ndarray:
    """f64[kinds], of sum 1: in proportion to the lift of each kind's links less 1.

    Only training interactions count. Where no kind tells more than chance, all weigh the same.
    """
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    links = (np.stack([kind.items, kind.entities], axis=1) for kind in kinds)
    told = np.array([max(0.0, lift(dataset.train, of_kind, **sizes) - 1.0) for of_kind in links])
    return told / told.sum() if told.any() else np.full(len(kinds), 1.0 / len(kinds))


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


def _kinds(dataset: Dataset, n_nearest: int):
    of_entities = dataset.items_of_entities()
    triples = dataset.triples
    is_item = of_entities[triples[:, 2]] >= 0
    for number, name in enumerate(dataset.relation_names):
        links = triples[(triples[:, 1] == number) & is_item]
        yield Relation(name, links[:, 0], of_entities[links[:, 2]], space=ITEMS)
    for modality, rows in sorted(dataset.features.items()):
        yield feature_neighbours(modality, rows, n_nearest, standardised=True)
    from_features = np.isin(triples[:, 1], _coded_relations(dataset))
    yield neighbours_by_entities(
        triples[~is_item & ~from_features],
        n_nearest,
        n_items=dataset.n_items,
        n_entities=dataset.n_entities,
    )


def _coded_relations(dataset: Dataset) -> list[int]:
    """Relations that preparation made of features which are there themselves."""
    return [
        number for number, name in enumerate(dataset.relation_names) if name in dataset.features
    ]


def _normalised(kind: Relation, n_items: int) -> sparse.csr_array:
    ones = np.ones(len(kind.items), np.float32)
    links = sparse.csr_array((ones, (kind.items, kind.entities)), shape=(n_items, n_items))
    left, right = (
        sparse.diags_array(1.0 / np.sqrt(np.maximum(links.sum(axis=axis), 1.0))) for axis in (1, 0)
    )
    return sparse.csr_array(left @ links @ right, dtype=np.float32)
