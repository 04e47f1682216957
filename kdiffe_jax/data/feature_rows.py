"""The items' features by modality, and what stands in for them where there are none.

Where a data set has no dense features, each relation of its triples is a modality: the items'
neighbour lists with the item itself, or their entities weighted by rarity. A model multiplies
such rows by a learned matrix, which is an embedding of each entity averaged over an item: it has
more freedom than with features of a frozen encoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy import sparse

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import DataError

Rows = np.ndarray | sparse.csr_array


def feature_rows(dataset: Dataset, *, sparse_too: bool) -> Mapping[str, Rows]:
    """f32[J, F] of every modality, dense as given, or sparse rows in their place.

    Args:
      dataset: as the source has it.
      sparse_too: whether rows of entities or neighbours may stand in.

    Raises:
      DataError: there are no features, and nothing that may stand in for them.
    """
    if dataset.features:
        return {name: np.asarray(f, np.float32) for name, f in sorted(dataset.features.items())}
    found = dict(_of_relations(dataset)) if sparse_too else {}
    if not found:
        standing_in = ", entities or neighbours" if sparse_too else ""
        raise DataError(
            f"{dataset.name}: has no features{standing_in} of its items, which this model reads; "
            "prepare the data with some, or choose a model that needs interactions only "
            "(python -m launch.main --models)"
        )
    return found


def _of_relations(dataset: Dataset) -> Iterator[tuple[str, sparse.csr_array]]:
    of_entities = dataset.items_of_entities()
    for number, name in enumerate(dataset.relation_names):
        links = dataset.triples[dataset.triples[:, 1] == number]
        if not len(links):
            continue
        items, entities = links[:, 0], links[:, 2]
        between_items = of_entities[entities] >= 0
        if between_items.all():
            yield name, _with_itself(items, of_entities[entities], dataset.n_items)
        else:
            yield name, _by_rarity(items[~between_items], entities[~between_items], dataset.n_items)


def _with_itself(items: np.ndarray, neighbours: np.ndarray, n_items: int) -> sparse.csr_array:
    """K + I: 1 for every neighbour and the item itself."""
    ones = np.ones(len(items), np.float32)
    links = sparse.csr_array((ones, (items, neighbours)), shape=(n_items, n_items))
    rows = sparse.csr_array(links + sparse.eye_array(n_items, dtype=np.float32))
    rows.data[:] = 1.0
    return rows


def _by_rarity(items: np.ndarray, entities: np.ndarray, n_items: int) -> sparse.csr_array:
    """log(1 + J / n_e) for every entity e of an item, n_e the items that have it; unit rows."""
    _, columns, counts = np.unique(entities, return_inverse=True, return_counts=True)
    values = np.log1p(n_items / counts[columns]).astype(np.float32)
    rows = sparse.csr_array((values, (items, columns)), shape=(n_items, len(counts)))
    lengths = np.sqrt((rows**2).sum(axis=1))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_array(sparse.diags_array(scale) @ rows, dtype=np.float32)
