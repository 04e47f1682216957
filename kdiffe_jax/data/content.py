"""What items are made of -> item-entity triples."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from kdiffe_jax.config import ContentConfig
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import DataError


def standardise(features: np.ndarray) -> np.ndarray:
    """Columns to mean 0 and variance 1 in float32; constant columns become 0.

    Half-precision input is widened before any sum, since 7,000 float16 numbers of
    size 10 already overflow.
    """
    wide = np.asarray(features, np.float64)
    centred = wide - wide.mean(axis=0)
    spread = centred.std(axis=0)
    return (centred / np.where(spread > 1e-12, spread, 1.0)).astype(np.float32)


def nearest_codes(
    features: np.ndarray, *, n_codes: int, n_nearest: int, seed: int
) -> tuple[np.ndarray, float]:
    """A k-means codebook over standardised rows and each row's nearest codes.

    Args:
      features: float[J, width], finite.
      n_codes: size of the codebook; at most J are used.
      n_nearest: codes per row, nearest first; at most n_codes are used.
      seed: of k-means.

    Returns:
      int32[J, n_nearest] codes, and the share of the features' variance that the
      nearest code keeps.

    Raises:
      DataError: scikit-learn, the extra `[content]`, is not installed.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise DataError(
            "codebooks of features need scikit-learn: pip install 'kdiffe_jax[content]'"
        ) from error

    rows = standardise(features)
    n_codes = min(n_codes, len(np.unique(rows, axis=0)))
    n_nearest = min(n_nearest, n_codes)
    model = KMeans(n_codes, n_init=1, max_iter=50, random_state=seed).fit(rows)
    distances = model.transform(rows)
    codes = np.argsort(distances, axis=1, kind="stable")[:, :n_nearest].astype(np.int32)
    total = float(np.square(rows).sum())
    lost = float(np.square(distances.min(axis=1)).sum())
    return codes, 1.0 - lost / total if total > 0 else 0.0


def triples_from_features(
    features: Mapping[str, np.ndarray], *, n_codes: int, n_nearest: int, seed: int
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], list[str]]:
    """One relation a modality; its entities are the codes of the modality's codebook.

    Returns:
      int32[n, 3] triples (item, relation, entity), relation names, entity names, and a
      line a modality that says how much of the variance the codes keep.
    """
    triples, relations, entities, report = [], [], [], []
    for relation, modality in enumerate(sorted(features)):
        codes, kept = nearest_codes(
            features[modality], n_codes=n_codes, n_nearest=n_nearest, seed=seed
        )
        items = np.repeat(np.arange(len(codes)), codes.shape[1])
        tails = codes.ravel() + len(entities)
        triples.append(np.stack([items, np.full_like(items, relation), tails], axis=1))
        used = int(codes.max()) + 1
        relations.append(modality)
        entities.extend(f"{modality} code {code}" for code in range(used))
        report.append(f"{modality}: {used} codes keep {kept:.0%} of the variance")
    return np.concatenate(triples).astype(np.int32), tuple(relations), tuple(entities), report


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
    degenerate = is_degenerate(dataset.triples, dataset.n_items)
    if config.kg_source == "triples" or (config.kg_source == "auto" and not degenerate):
        return dataset
    if not dataset.features:
        if config.kg_source == "features":
            raise DataError(
                f"{dataset.name}: --kg_source=features, but there is no *_feat.npy; add one, "
                "or use --kg_source=triples"
            )
        return _with_note(
            dataset, _degenerate_line(dataset) + "; there are no features to use instead"
        )
    triples, relations, entities, report = triples_from_features(
        dataset.features,
        n_codes=config.codebook_size,
        n_nearest=config.codes_per_item,
        seed=config.content_seed,
    )
    reason = _degenerate_line(dataset) + "; " if degenerate and len(dataset.triples) else ""
    line = f"{reason}knowledge graph built from features ({'; '.join(report)})"
    return dataset.with_triples(triples, relations, entities, line)


def _degenerate_line(dataset: Dataset) -> str:
    if not len(dataset.triples):
        return "the knowledge graph is empty"
    tails = len(np.unique(dataset.triples[:, 2]))
    return f"the given knowledge graph is degenerate: all items share the same {tails} entities"


def _with_note(dataset: Dataset, line: str) -> Dataset:
    return dataclasses.replace(dataset, notes=(*dataset.notes, line))
