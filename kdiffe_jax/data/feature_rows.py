"""The items' features by modality, and what stands in for them where there are none.

Where a data set has no dense features, each relation of its triples is a modality: the items'
neighbour lists with the item itself, or their entities weighted by rarity. Lists of neighbours
are modalities beside features of other names too. A model multiplies such rows by a learned
matrix, which is an embedding of each entity averaged over an item: it has more freedom than with
features of a frozen encoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from scipy import sparse

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.rows import places_by_relation
from kdiffe_jax.errors import DataError

Rows = np.ndarray | sparse.csr_array
FeatureForm = Literal["raw", "unit", "standard"]
NEIGHBOUR_ROWS, ENTITY_ROWS = "neighbour rows", "entity rows"


def feature_rows(dataset: Dataset, *, sparse_too: bool) -> Mapping[str, Rows]:
    """f32[J, F] of every modality by name, dense as given, or sparse rows in their place.

    Args:
      dataset: as the source has it.
      sparse_too: whether rows of entities or neighbours may stand in.

    Raises:
      DataError: there are no features, and nothing that may stand in for them.
    """
    found: dict[str, Rows] = dict(_of_relations(dataset)) if sparse_too else {}
    found |= {name: np.asarray(rows, np.float32) for name, rows in dataset.features.items()}
    if not found:
        standing_in = ", entities or neighbours" if sparse_too else ""
        raise DataError(
            f"{dataset.name}: has no features{standing_in} of its items, which this model reads; "
            "prepare the data with some, or choose a model that needs interactions only "
            "(python -m launch.main --models)"
        )
    return dict(sorted(found.items()))


def in_form(rows: Rows, form: FeatureForm) -> Rows:
    """Features as a model asks for them.

    Args:
      rows: f32[J, F], dense or sparse.
      form: "raw", as they are; "unit", rows of length 1; "standard", columns of mean 0 over the
        items that have content, all divided by one number, the root of their mean square; sparse
        rows are only divided. An item without content keeps its row of zeros.

    >>> rows = np.array([[3.0, 5.0], [0.0, 0.0], [3.0, 1.0]], np.float32)
    >>> in_form(rows - 1.0, "unit")[2].tolist(), in_form(rows, "standard").round(2)[:, 1].tolist()
    ([1.0, 0.0], [1.7300000190734863, 0.0, -1.7300000190734863])
    """
    if form == "raw":
        return rows
    if form == "unit":
        return _of_length_1(rows)
    if isinstance(rows, np.ndarray):
        told = rows.any(axis=1, keepdims=True)
        rows = np.where(told, rows - rows.mean(axis=0, dtype=np.float64, where=told), 0.0)
    size = np.sqrt(_squares(rows).sum() / np.prod(rows.shape, dtype=np.float64))
    return (rows / (size or 1.0)).astype(np.float32)


def _of_length_1(rows: Rows) -> Rows:
    lengths = np.sqrt(_squares(rows))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    if isinstance(rows, np.ndarray):
        return (rows * scale[:, None]).astype(np.float32)
    return sparse.csr_array(sparse.diags_array(scale) @ rows, dtype=np.float32)


def _squares(rows: Rows) -> np.ndarray:
    """f64[n]: each row's sum of squares, which of large float32 has no float32."""
    if isinstance(rows, np.ndarray):
        return np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return rows.astype(np.float64).power(2).sum(axis=1)


def stand_ins(dataset: Dataset) -> dict[str, str]:
    """What each modality of `feature_rows` is that is no feature of the data set.

    Returns:
      Modality -> "neighbour rows" or "entity rows".
    """
    kinds = {True: NEIGHBOUR_ROWS, False: ENTITY_ROWS}
    return {name: kinds[_is_neighbours(dataset, links)] for name, links in _links(dataset)}


def shown_name(model: str, stands_in: Mapping[str, str]) -> str:
    """A model's name in tables: what stands in for features belongs to it.

    >>> shown_name("bm3", {"title": "entity rows"}), shown_name("sgl", {})
    ('bm3 (entity rows)', 'sgl')
    """
    return f"{model} ({', '.join(sorted(set(stands_in.values())))})" if stands_in else model


def _of_relations(dataset: Dataset) -> Iterator[tuple[str, sparse.csr_array]]:
    of_entities = dataset.items_of_entities()
    for name, links in _links(dataset):
        items, entities = links[:, 0], links[:, 2]
        others = of_entities[entities]
        if _is_neighbours(dataset, links):
            yield name, _with_itself(items, others, dataset.n_items)
        else:
            yield name, _by_rarity(items[others < 0], entities[others < 0], dataset.n_items)


def _links(dataset: Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """The relations that stand in for features, with their triples.

    Beside features, lists of neighbours that have another name than these.
    """
    for name, places in places_by_relation(dataset.triples, dataset.relation_names):
        links = dataset.triples[places]
        if not len(links) or name in dataset.features:
            continue
        if not dataset.features or _is_neighbours(dataset, links):
            yield name, links


def _is_neighbours(dataset: Dataset, links: np.ndarray) -> bool:
    return bool((dataset.items_of_entities()[links[:, 2]] >= 0).all())


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
    return _of_length_1(rows)
