"""How well the denoiser recovers the truth of a planted data set."""

from __future__ import annotations

import numpy as np


def tells_apart(triples: np.ndarray, truth: np.ndarray) -> bool:
    """Whether an item has both relevant and irrelevant triples, so that there is an AUC.

    >>> tells_apart(np.array([[0, 0, 0], [1, 0, 1]]), np.array([True, False]))
    False
    """
    return bool(np.isin(triples[truth, 0], triples[~truth, 0]).any())


def within_item_auc(scores: np.ndarray, triples: np.ndarray, truth: np.ndarray) -> float:
    """Probability that an item's relevant triple scores above one of its irrelevant triples.

    The mean over items that have both kinds, of which there is one (`tells_apart`); ties count
    one half; 0.5 is chance. Within an item, since that is where top-q chooses.

    Args:
      scores: f32[J, K], each item's triples in their order.
      triples: int32[m, 3] of (item, relation, entity), sorted.
      truth: bool[m], which are relevant.
    """
    relevant, present = _as_rows(scores, triples, truth), np.isfinite(scores)
    noise = present & ~relevant
    difference = scores[:, :, None] - np.where(noise, scores, np.nan)[:, None, :]
    pairs = (relevant & present)[:, :, None] & noise[:, None, :]
    wins = np.where(pairs, (difference > 0) + 0.5 * (difference == 0), 0.0).sum(axis=(1, 2))
    counts = pairs.sum(axis=(1, 2))
    return float((wins[counts > 0] / counts[counts > 0]).mean())


def kept_relevant_share(
    scores: np.ndarray, triples: np.ndarray, truth: np.ndarray, q: int
) -> float:
    """Share of relevant triples among those that top-q keeps of every item.

    `truth.mean()` is what keeping at random would give. Arguments as above.
    """
    order = np.argsort(-scores, axis=1, kind="stable")[:, :q]
    kept = np.isfinite(np.take_along_axis(scores, order, axis=1))
    relevant = np.take_along_axis(_as_rows(scores, triples, truth), order, axis=1)
    return float((relevant & kept).sum() / max(1, kept.sum()))


def _as_rows(scores: np.ndarray, triples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """bool[J, K]: which of each item's triples are relevant, False on padding."""
    items = triples[:, 0]
    starts = np.searchsorted(items, np.arange(len(scores)))
    relevant = np.zeros(scores.shape, bool)
    relevant[items, np.arange(len(items)) - starts[items]] = truth
    return relevant
