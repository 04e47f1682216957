"""Codebooks: dense features -> the nearest codes of each item as entities."""

from __future__ import annotations

import warnings

import numpy as np

from kdiffe_jax.data.content.dense import BLOCK_NUMBERS, row_blocks, rows_with_content
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import DataError

# Beyond this many rows k-means learns from small batches.
LARGE = 50_000


def standardise(features: np.ndarray) -> np.ndarray:
    """Columns to mean 0 and variance 1 in float32; constant columns become 0.

    Half-precision input is widened before any sum, since 7,000 float16 numbers of
    size 10 already overflow.
    """
    n_rows, width = features.shape
    n_blocks = max(1, min(width, n_rows * width // BLOCK_NUMBERS))
    rows = np.empty((n_rows, width), np.float32)
    for columns in np.array_split(np.arange(width), n_blocks):
        block = slice(columns[0], columns[-1] + 1) if len(columns) else slice(0, 0)
        wide = np.asarray(features[:, block], np.float64)
        centred = wide - wide.mean(axis=0)
        spread = centred.std(axis=0)
        rows[:, block] = centred / np.where(spread > 1e-12, spread, 1.0)
    return rows


def product_codes(
    features: np.ndarray, *, n_groups: int, n_codes: int, n_nearest: int, seed: int
) -> tuple[list[np.ndarray], float]:
    """Product quantisation: the standardised columns in groups, a codebook for each group.

    Args:
      features: float[J, width], finite.
      n_groups: runs of neighbouring columns of about equal width; at most width.
      n_codes: size of each codebook; at most as many as different rows are used.
      n_nearest: codes of a row in each, nearest first; at most n_codes are used, and one where
        rows have few values, each with a code.

    Returns:
      int32[J, n_nearest] codes of every group, or int32[J, 1], and the share of the variance of all
      columns that the nearest codes of all groups keep together.

    Raises:
      DataError: scikit-learn, the extra `[content]`, is not installed.
    """
    rows = standardise(features)
    groups = [rows]
    if n_groups > 1:
        groups = np.array_split(rows, min(n_groups, rows.shape[1]), axis=1)
    found = [_quantised(group, n_codes, n_nearest, seed) for group in groups]
    total = sum(float(np.square(group).sum()) for group in groups)
    lost = sum(lost for _, lost in found)
    return [codes for codes, _ in found], 1.0 - lost / total if total > 0 else 0.0


def codebook_relation(modality: str, features: np.ndarray, config: ContentConfig) -> Relation:
    """One relation: an item's entities are the nearest codes of the modality's codebooks.

    Args:
      modality: names the relation and its entities.
      features: float[J, width]; an item whose row is zero has no such content, takes
        no part in the fit and gets no code.

    Returns:
      The relation, an item's nearer codes of each codebook weighing more. Its note says
      how much of the variance the codes keep and how many items have none.

    Raises:
      DataError: no matrix, a NaN or infinite value, or scikit-learn is not installed.
    """
    items = rows_with_content(modality, features)
    if not len(items):
        none = np.zeros(0, np.int32)
        return Relation(modality, none, none, note=f"{modality}: no item has a row but zeros")
    product = config.codebook == "product"
    parts, kept = product_codes(
        features if len(items) == len(features) else features[items],
        n_groups=config.codebook_groups if product else 1,
        n_codes=config.codebook_size,
        n_nearest=config.codes_per_item,
        seed=config.content_seed,
    )
    names = _code_names(modality, parts, product)
    first = np.cumsum([0, *(codes.max() + 1 for codes in parts)])
    return Relation(
        modality,
        np.concatenate([np.repeat(items, codes.shape[1]) for codes in parts]).astype(np.int32),
        np.concatenate(
            [(codes + start).ravel() for codes, start in zip(parts, first, strict=False)]
        ).astype(np.int32),
        names,
        weights=-np.concatenate(
            [np.tile(np.arange(codes.shape[1], dtype=np.float32), len(codes)) for codes in parts]
        ),
        note=_note(modality, len(names), kept, len(features) - len(items)),
    )


def _quantised(
    rows: np.ndarray, n_codes: int, n_nearest: int, seed: int
) -> tuple[np.ndarray, float]:
    """int32[J, n_nearest] codes, and the squared distance to the nearest, summed over rows.

    Of rows of few values, such as one-hot categories, each value has a code, which is all there
    is to say; a second one would join values that have nothing in common.
    """
    model, n_different = _fitted(np.ascontiguousarray(rows), n_codes, seed)
    few_values = n_different <= min(n_codes, len(rows) // 2)
    n_nearest = 1 if few_values else min(n_nearest, model.n_clusters)
    codes = np.empty((len(rows), n_nearest), np.int32)
    nearest = np.empty(len(rows), np.float32)
    for block in row_blocks(len(rows), model.n_clusters):
        distances = model.transform(rows[block])
        codes[block] = np.argsort(distances, axis=1, kind="stable")[:, :n_nearest]
        nearest[block] = distances.min(axis=1)
    return codes, float(np.square(nearest).sum())


def _fitted(rows: np.ndarray, n_codes: int, seed: int):
    """The fit, with at most as many codes as different rows, and how many of these there are."""
    try:
        from sklearn.cluster import KMeans, MiniBatchKMeans
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise DataError(
            "codebooks of features need scikit-learn: pip install 'kdiffe_jax[content]'"
        ) from error

    if len(rows) <= LARGE:
        n_different = len(np.unique(rows, axis=0))
        fit = KMeans(min(n_codes, n_different), n_init=1, max_iter=50, random_state=seed)
        # Of rows that differ by less than rounding it finds fewer, and warns.
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            return fit.fit(rows), n_different
    some = np.random.default_rng(seed).choice(len(rows), LARGE, replace=False)
    n_different = len(np.unique(rows[some], axis=0))
    n_codes = min(n_codes, n_different)
    fit = MiniBatchKMeans(n_codes, n_init=1, batch_size=8192, random_state=seed)
    return fit.fit(rows), n_different


def _code_names(modality: str, parts: list[np.ndarray], product: bool) -> tuple[str, ...]:
    return tuple(
        f"{modality} part {part} code {code}" if product else f"{modality} code {code}"
        for part, codes in enumerate(parts, start=1)
        for code in range(codes.max() + 1)
    )


def _note(modality: str, n_codes: int, kept: float, n_without: int) -> str:
    note = f"{modality}: {n_codes} codes keep {kept:.0%} of the variance"
    return f"{note}; {n_without} items have no {modality}" if n_without else note
