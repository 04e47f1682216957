"""The knowledge graph that training reads: the given one, or codes of the features."""

from __future__ import annotations

import dataclasses

import numpy as np

from kdiffe_jax.data.content.codebooks import codebook_relation
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.data.relation import join_relations
from kdiffe_jax.errors import DataError


def is_degenerate(triples: np.ndarray, n_items: int) -> bool:
    """Whether the triples tell no item from another: all covered items share one neighbourhood.

    The `kg.txt` released with KDiffE is such a graph: every item is linked to the
    entities 1..3 by the relations 1..3, one a modality.
    """
    if not len(triples):
        return True
    items, degrees = np.unique(triples[:, 0], return_counts=True)
    if len(items) < 2:
        return n_items > 1
    if degrees.min() != degrees.max():
        return False
    ordered = triples[np.lexsort((triples[:, 2], triples[:, 1], triples[:, 0]))]
    table = ordered[:, 1:].reshape(len(items), -1)
    return bool((table == table[0]).all())


def ensure_knowledge(dataset: Dataset, config: ContentConfig) -> Dataset:
    """The data set with the knowledge graph that `config.kg_source` asks for.

    With "auto" the data's own triples are kept where they carry information; a
    degenerate graph is named and replaced by codes of the features where there are any.

    Raises:
      DataError: features are asked for and absent.
    """
    if config.kg_source == "none":
        return dataset.with_knowledge(join_relations((), ()), "no knowledge graph, as asked for")
    degenerate = is_degenerate(dataset.triples, dataset.n_items)
    if config.kg_source == "triples" or (config.kg_source == "auto" and not degenerate):
        return dataset
    if not dataset.features:
        if config.kg_source == "features":
            raise DataError(
                f"{dataset.name}: --kg_source=features, but there is no *_feat.npy; add one, "
                "or use --kg_source=triples"
            )
        note = _degenerate_line(dataset) + "; there are no features to use instead"
        return dataclasses.replace(dataset, notes=(*dataset.notes, note))
    relations = [
        codebook_relation(modality, dataset.features[modality], config)
        for modality in sorted(dataset.features)
    ]
    reason = _degenerate_line(dataset) + "; " if degenerate and len(dataset.triples) else ""
    report = "; ".join(relation.note for relation in relations)
    line = f"{reason}knowledge graph built from features ({report})"
    return dataset.with_knowledge(join_relations(relations, ()), line)


def _degenerate_line(dataset: Dataset) -> str:
    if not len(dataset.triples):
        return "the knowledge graph is empty"
    tails = len(np.unique(dataset.triples[:, 2]))
    return f"the given knowledge graph is degenerate: all items share the same {tails} entities"
