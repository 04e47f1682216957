"""Mean, standard error and confidence interval of one figure over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_CONFIDENCE = 0.95


def spread(values: Sequence[float]) -> dict[str, float | list[float]]:
    """The mean, its standard error s / sqrt(n) and its 95 % interval by Student's t.

    Args:
      values: one a seed, at least two.

    >>> found = spread([0.1, 0.2, 0.3])
    >>> low, high = found["interval_95"]
    >>> f"{found['mean']:.3f} ± {found['standard_error']:.3f}, {low:.3f} to {high:.3f}"
    '0.200 ± 0.058, -0.048 to 0.448'
    """
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = student_t(len(values) - 1) * error
    return {"mean": mean, "standard_error": error, "interval_95": [mean - reach, mean + reach]}


def student_t(freedom: int, confidence: float = _CONFIDENCE) -> float:
    """The t for which P(|T| <= t) = confidence, T of Student's distribution.

    Args:
      freedom: degrees of freedom, at least 1.
      confidence: between 0 and 1.

    >>> f"{student_t(9):.4f}"
    '2.2622'
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _inside(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(high)


def _inside(angle: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(angle)): the finite series for whole degrees of freedom."""
    odd = freedom % 2
    cosine = math.cos(angle)
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine**2
    series = math.sin(angle) * total
    return 2 / math.pi * (angle + series) if odd else series
