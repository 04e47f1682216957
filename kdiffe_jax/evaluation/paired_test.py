"""The paired t test, over users or over seeds, and Holm's correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import stdtr

# Differences that vary by less, of the largest, are equal but for rounding.
_ROUNDING = 1e-9


def paired_test(
    first: np.ndarray | Sequence[float], second: np.ndarray | Sequence[float]
) -> dict[str, Any]:
    """Mean, standard error, t and two-sided p of the differences first - second.

    Args:
      first, second: f64[n], one value a user or seed, in the same order.

    Returns:
      "users" (n), "difference", "standard_error", "t" and "p"; the last three are None where
      n < 2, t and p also where all differences are equal.

    Raises:
      ValueError: of unequal length, or a value that is not finite.

    >>> found = paired_test([1.0, 1.0, 0.0], [0.0, 1.0, 0.0])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'users': 3, 'difference': 0.333, 'standard_error': 0.333, 't': 1.0, 'p': 0.423}
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values cannot be paired")
    differences = np.subtract(first, second, dtype=float)
    if not np.isfinite(differences).all():
        raise ValueError("a value is not finite")
    size = len(differences)
    mean = float(differences.mean()) if size else 0.0
    found: dict[str, Any] = {"users": size, "difference": mean}
    found |= {"standard_error": None, "t": None, "p": None}
    if size > 1:
        error = float(differences.std(ddof=1)) / math.sqrt(size)
        found["standard_error"] = error
        if np.ptp(differences) > _ROUNDING * np.abs(differences).max():
            t = mean / error
            found |= {"t": t, "p": float(2 * stdtr(size - 1, -abs(t)))}
    return found


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction: the p values of several tests, of which none is to be true by luck.

    The k-th smallest of m is multiplied by m - k + 1, and none may be below a smaller one.

    Args:
      values: p of each test; None where there is none, which does not count.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    there = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    least = 0.0
    for rank, (p, place) in enumerate(there):
        least = max(least, min(1.0, p * (len(there) - rank)))
        corrected[place] = least
    return corrected
