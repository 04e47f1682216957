"""What each kind of nearest items tells beside the interactions themselves.

A fifth of the training interactions is hidden, of small data each fifth in turn. Each hidden
item stands among items drawn by popularity; a user's kept interactions score all of them, by
vectors of items that interactions alone give, and by the means of these vectors over the nearest
items of each kind. How much each score helps to tell the hidden item, the logit's b, over how
much the first does, is the weight with which a kind's nearest items are worth adding to the item
itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import ndtr, stdtrit

from kdiffe_jax.data.conditional_logit import Examples, conditional_logit
from kdiffe_jax.data.interaction_vectors import interaction_vectors
from kdiffe_jax.data.share import ALONE, Share

_FOLDS = 5
_MOST_SCORED = 30_000
_DRAWN = 10
_BLOCK = 2048
# Standard errors that a kind of many items must stand above nothing, and that its trust stands
# below its gain.
_SURE = 3.0
_BELOW = 1.0


class Told(NamedTuple):
    """What a kind tells beside interactions, which themselves tell 1."""

    trust: float  #: gain - error where it is sure to tell something, 0 elsewhere
    gain: float  #: its b over that of interactions
    error: float  #: standard error of the gain, over users and items


def told_beside_interactions(
    pairs: np.ndarray,
    kinds: Sequence[sparse.csr_array],
    *,
    n_users: int,
    n_items: int,
    share: Share = ALONE,
) -> list[Told]:
    """Each kind's gain, and how far it can be trusted.

    Kinds of less than three errors go, those that tell least first, and the rest is fitted again,
    so that of kinds which tell the same one stays. It is three errors of a normal variate, so
    more of Student's t where a kind's links are of few items. A kind that went has no trust.
    Where interactions tell nothing themselves, gains are without bound.

    Args:
      pairs: int[n, 2] of (user, item), training interactions, unique.
      kinds: f32[J, J] each, an item's row its nearest items' weights.
      n_users, n_items: sizes I and J.
      share: whose the pairs are; what they tell is of those of all processes.
    """
    examples = _examples(pairs, kinds, n_users, n_items, share)
    chosen = np.arange(len(kinds))
    gains, errors = np.zeros((2, len(kinds)))
    while len(chosen):
        these = examples._replace(scores=examples.scores[..., [0, *chosen + 1]])
        found = conditional_logit(these, n_items, share=share)
        own = max(found.values[0], 1e-6)
        gains[chosen], errors[chosen] = found.values[1:] / own, found.errors[1:] / own
        sure = found.values[1:] / np.maximum(found.errors[1:], 1e-12)
        freedom = np.maximum(found.independent[1:] - 1.0, 0.1)
        sure /= stdtrit(freedom, ndtr(_SURE))
        weak = np.flatnonzero(sure <= 1.0)
        if not len(weak):
            break
        gone = weak[np.argsort(sure[weak], kind="stable")][: (len(weak) + 1) // 2]
        chosen = np.delete(chosen, gone)
    trust = np.zeros(len(kinds))
    trust[chosen] = gains[chosen] - _BELOW * errors[chosen]
    return [Told(*map(float, told)) for told in zip(trust, gains, errors, strict=True)]


def _examples(pairs, kinds, n_users: int, n_items: int, share: Share) -> Examples:
    """Of the interactions alone and of each kind, of as many folds as there is need of."""
    total = share.offset_and_total(len(pairs))[1]
    folds = min(_FOLDS, -(-_FOLDS * _MOST_SCORED // max(total, 1)))
    chance = _FOLDS * _MOST_SCORED / max(folds * total, 1)
    fold = (_draws(pairs, 0) * _FOLDS).astype(int)
    found = [
        _examples_of(pairs, fold == number, chance, kinds, n_users, n_items, share)
        for number in range(folds)
    ]
    return Examples(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _examples_of(pairs, is_hidden, chance, kinds, n_users: int, n_items: int, share: Share):
    kept, hidden = pairs[~is_hidden], pairs[is_hidden]
    hidden = hidden[_draws(hidden, 1) < chance]
    candidates, left_out = _candidates(pairs, hidden, n_items, share)
    sizes = dict(n_users=n_users, n_items=n_items)
    rows = interaction_vectors(kept, share=share, **sizes)
    place = (kept[:, 0], kept[:, 1])
    takes = sparse.csr_array((np.ones(len(kept), np.float32), place), shape=(n_users, n_items))
    users = hidden[:, 0]
    scores = [_scores(takes, rows, rows, users, candidates)]
    scores += [_scores(takes, rows, kind @ rows, users, candidates) for kind in kinds]
    return Examples(np.stack(scores, axis=-1), left_out, candidates, users)


def _candidates(pairs, hidden, n_items: int, share: Share) -> tuple[np.ndarray, np.ndarray]:
    """The hidden item and others drawn by popularity; which of these the user has taken."""
    degrees = share.summed(np.bincount(pairs[:, 1], minlength=n_items).astype(np.float64))
    below = np.cumsum(degrees)
    drawn = np.stack([_draws(hidden, 2 + number) for number in range(_DRAWN)], axis=1)
    drawn = np.minimum(np.searchsorted(below, drawn * below[-1], side="right"), n_items - 1)
    taken = np.isin(hidden[:, :1] * np.int64(n_items) + drawn, pairs @ [np.int64(n_items), 1])
    first = np.zeros((len(hidden), 1), bool)
    return np.hstack([hidden[:, 1:], drawn]), np.hstack([first, taken])


def _scores(takes, rows, table, users, candidates) -> np.ndarray:
    """f32[n, C]: the sum of the user's items' vectors, of length 1, by the candidate's row."""
    found = np.empty(candidates.shape, np.float32)
    for first in range(0, len(users), _BLOCK):
        block = slice(first, first + _BLOCK)
        of_user = takes[users[block]] @ rows
        of_user /= np.maximum(np.linalg.norm(of_user, axis=1, keepdims=True), 1e-12)
        found[block] = np.einsum("nd,ncd->nc", of_user, table[candidates[block]])
    return found


def _draws(pairs: np.ndarray, stream: int) -> np.ndarray:
    """f64[n] in [0, 1), of each pair and stream alone, whoever has the pair (splitmix64)."""
    mixed = (pairs[:, 0].astype(np.uint64) << np.uint64(32)) | pairs[:, 1].astype(np.uint64)
    for added in (stream + 1, 0):
        mixed = mixed + np.uint64((0x9E3779B97F4A7C15 * (added + 1)) % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)) / 2.0**53
