"""Codebooks: dense features -> the nearest codes of each item as entities."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.config import ContentConfig
from kdiffe_jax.data.relation import Relation
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


def codebook_relation(modality: str, features: np.ndarray, config: ContentConfig) -> Relation:
    """One relation: an item's entities are the nearest codes of the modality's codebook.

    Args:
      modality: names the relation and its entities.
      features: float[J, width], finite.
      config: size of the codebook, codes per item, seed.

    Returns:
      The relation; its note says how much of the variance the codes keep.
    """
    codes, kept = nearest_codes(
        features,
        n_codes=config.codebook_size,
        n_nearest=config.codes_per_item,
        seed=config.content_seed,
    )
    used = int(codes.max()) + 1
    return Relation(
        modality,
        np.repeat(np.arange(len(codes), dtype=np.int32), codes.shape[1]),
        codes.ravel(),
        tuple(f"{modality} code {code}" for code in range(used)),
        weights=-np.tile(np.arange(codes.shape[1], dtype=np.float32), len(codes)),
        note=f"{modality}: {used} codes keep {kept:.0%} of the variance",
    )
