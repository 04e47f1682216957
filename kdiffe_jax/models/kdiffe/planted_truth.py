"""How well the denoiser recovers the truth of a planted data set."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.data.rows import position_in_group


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
      scores: f32[m], of the triples.
      triples: int32[m, 3] of (item, relation, entity), sorted.
      truth: bool[m], which are relevant.
    """
    items = triples[:, 0]
    of_item = np.bincount(items)
    relevant = np.bincount(items[truth], minlength=len(of_item))
    ranks = np.bincount(items[truth], _ranks(scores, items)[truth], len(of_item))
    pairs = relevant * (of_item - relevant)
    wins = ranks - relevant * (relevant + 1) / 2
    return float((wins[pairs > 0] / pairs[pairs > 0]).mean())


def kept_relevant_share(
    scores: np.ndarray, triples: np.ndarray, truth: np.ndarray, q: int
) -> float:
    """Share of relevant triples among those that top-q keeps of every item.

    `truth.mean()` is what keeping at random would give. Arguments as above.
    """
    items = triples[:, 0]
    order = np.lexsort((-scores, items))
    return float(truth[order][position_in_group(items[order]) < q].mean())


def _ranks(scores: np.ndarray, items: np.ndarray) -> np.ndarray:
    """f64[m]: from 1, within the item; those of equal scores share the mean of theirs."""
    order = np.lexsort((scores, items))
    keys = np.stack([items[order], scores[order]], axis=1)
    new = np.append(True, (keys[1:] != keys[:-1]).any(axis=1))
    group, position = np.cumsum(new) - 1, position_in_group(items[order]) + 1.0
    ranks = np.empty(len(scores))
    ranks[order] = (np.bincount(group, position) / np.bincount(group))[group]
    return ranks
