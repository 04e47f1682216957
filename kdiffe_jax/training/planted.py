"""How well the denoiser recovers the truth of a planted data set."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.dataset import Dataset


def within_item_auc(scores: np.ndarray, dataset: Dataset) -> float:
    """Probability that an item's relevant triple scores above one of its irrelevant triples.

    The mean over items that have both kinds; ties count one half; 0.5 is chance. Within
    an item, since that is where top-q chooses.

    Args:
      scores: f32[J, K], each item's triples in the order of `dataset.triples`.
      dataset: with `relevant`.
    """
    items = dataset.triples[:, 0]
    starts = np.searchsorted(items, np.arange(dataset.n_items))
    position = np.arange(len(items)) - starts[items]
    relevant = np.zeros(scores.shape, bool)
    relevant[items, position] = dataset.relevant
    present = np.isfinite(scores)
    noise = present & ~relevant
    difference = scores[:, :, None] - np.where(noise, scores, np.nan)[:, None, :]
    pairs = (relevant & present)[:, :, None] & noise[:, None, :]
    wins = np.where(pairs, (difference > 0) + 0.5 * (difference == 0), 0.0).sum(axis=(1, 2))
    counts = pairs.sum(axis=(1, 2))
    return float((wins[counts > 0] / counts[counts > 0]).mean())
