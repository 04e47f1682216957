"""Which of a few candidates is the right one, told from several scores of each.

The log-odds of a candidate are x b; b is fitted by Newton's method. Its errors hold where
examples of one group, such as a user, go together, and where one candidate stands in many.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.share import ALONE, Share

# In units of the scores' own spread: keeps b finite where candidates separate perfectly.
_RIDGE = 1e-3
_STEPS = 30
_LONGEST_STEP = 2.0
_BLOCK = 4096


class Coefficients(NamedTuple):
    """f64[K] each; all 0 for a score that never differs."""

    values: np.ndarray  #: b
    errors: np.ndarray  #: their standard errors
    independent: np.ndarray  #: how many candidates tell of b, were all to tell the same


class Examples(NamedTuple):
    """n times one right candidate and others."""

    scores: np.ndarray  #: float[n, C, K], K scores of C candidates; the first is the right one
    left_out: np.ndarray  #: bool[n, C], candidates that do not count; never the first
    candidates: np.ndarray  #: int[n, C], below n_candidates
    groups: np.ndarray  #: int[n], whose each example is; a group is of one process


def conditional_logit(
    examples: Examples, n_candidates: int, *, share: Share = ALONE
) -> Coefficients:
    """Maximises the mean of log softmax(scores b)[0] over the examples.

    Args:
      examples: of this process.
      n_candidates: how many there are in all.
      share: whose the examples are; b is of those of all processes.

    Errors are of the sandwich H^-1 (sum_g s_g s_g' + sum_c s_c s_c') H^-1, s_g the gradient of a
    group, s_c that of a candidate: its sum of (right - chance) x, x less the example's mean. A
    score's independent candidates are (sum_c h_c)^2 / sum_c h_c^2, h_c a candidate's part of H.

    >>> better = np.array([[[1.0], [0.0]]] * 3 + [[[0.0], [1.0]]])
    >>> none, each = np.zeros((4, 2), bool), np.arange(8).reshape(4, 2)
    >>> found = conditional_logit(Examples(better, none, each, np.arange(4)), 8)
    >>> found.values.round(1).tolist()  # log(3 / 1)
    [1.1]
    """
    total, spread = _spread(examples, share)
    differs = spread > 1e-9
    unit = np.where(differs, spread, 1.0)
    b = np.zeros(len(unit))
    for _ in range(_STEPS):
        gradients, hessian = _derivatives(examples, unit, b)
        summed = share.summed(np.vstack([gradients.sum(axis=0), hessian]))
        curve = summed[1:] + _RIDGE * max(total, 1.0) * np.eye(len(b))
        step = np.linalg.solve(curve, summed[0] - _RIDGE * total * b)
        step *= min(1.0, _LONGEST_STEP / max(np.abs(step).max(), 1e-12))
        b = b + step
        if np.abs(step).max() < 1e-6:
            break
    inverse = np.linalg.inv(curve)
    of_candidates, parts = share.summed(_of_candidates(examples, unit, b, n_candidates))
    inside = share.summed(_of_groups(gradients, examples.groups)) + of_candidates.T @ of_candidates
    errors = np.sqrt(np.diag(inverse @ inside @ inverse))
    independent = parts.sum(axis=0) ** 2 / np.maximum((parts**2).sum(axis=0), 1e-300)
    return Coefficients(
        *(np.where(differs, v, 0.0) for v in (b / unit, errors / unit, independent))
    )


def _spread(examples: Examples, share: Share) -> tuple[float, np.ndarray]:
    """How many examples there are, and each score's deviation among an example's candidates."""
    flat = np.zeros(examples.scores.shape[2])
    _, squares = _derivatives(examples, np.ones_like(flat), flat)
    sums = share.summed(np.array([len(examples.scores), *np.diag(squares)], np.float64))
    return float(sums[0]), np.sqrt(sums[1:] / max(sums[0], 1.0))


def _derivatives(examples: Examples, unit, b) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of every example, f64[n, K], and the summed negative Hessian, f64[K, K]."""
    gradients, hessian = np.zeros((len(examples.scores), len(b))), np.zeros((len(b), len(b)))
    for block in _blocks(examples):
        chance, around = _around(examples, block, unit, b)
        gradients[block] = around[:, 0]
        root = (around * np.sqrt(chance)[..., None]).reshape(-1, len(b))
        hessian += root.T @ root
    return gradients, hessian


def _of_candidates(examples: Examples, unit, b, n_candidates: int) -> np.ndarray:
    """f64[2, n_candidates, K]: each candidate's gradient, and its part of H's diagonal."""
    found = np.zeros((2, n_candidates, len(b)))
    for block in _blocks(examples):
        chance, around = _around(examples, block, unit, b)
        right = np.zeros_like(chance)
        right[:, 0] = 1.0
        numbers = examples.candidates[block].ravel()
        place = (numbers, np.arange(len(numbers)))
        gather = sparse.csr_array((np.ones(len(numbers)), place), (n_candidates, len(numbers)))
        for kind, part in enumerate(
            ((right - chance)[..., None] * around, chance[..., None] * around**2)
        ):
            found[kind] += gather @ part.reshape(-1, len(b))
    return found


def _around(examples: Examples, block: slice, unit, b) -> tuple[np.ndarray, np.ndarray]:
    """f64[m, C], the chance of each candidate, and f64[m, C, K], its scores less their mean."""
    scores = examples.scores[block].astype(np.float64) / unit
    odds = np.where(examples.left_out[block], -np.inf, scores @ b)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    chance = odds / odds.sum(axis=1, keepdims=True)
    return chance, scores - np.einsum("nc,nck->nk", chance, scores)[:, None]


def _blocks(examples: Examples) -> list[slice]:
    return [slice(f, f + _BLOCK) for f in range(0, len(examples.scores), _BLOCK)]


def _of_groups(gradients: np.ndarray, groups: np.ndarray) -> np.ndarray:
    numbers, places = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(numbers), gradients.shape[1]))
    np.add.at(sums, places, gradients)
    return sums.T @ sums
