"""The paired t test over users: does the model find more than a baseline?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import stdtr


def paired_test(model: np.ndarray, baseline: np.ndarray) -> dict[str, Any]:
    """Mean, standard error, t and two-sided p of the differences model - baseline.

    Args:
      model, baseline: f64[n], one value a user, in the same order.

    Returns:
      "users", "difference", "standard_error", "t" and "p"; the last three are None where
      there are fewer than two users, t and p also where all differences are equal.

    >>> found = paired_test(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    >>> {name: round(value, 3) for name, value in found.items()}
    {'users': 3, 'difference': 0.333, 'standard_error': 0.333, 't': 1.0, 'p': 0.423}
    """
    differences = model - baseline
    size, mean = len(differences), float(differences.mean())
    found: dict[str, Any] = {"users": size, "difference": mean}
    error = float(differences.std(ddof=1)) / math.sqrt(size) if size > 1 else None
    t = mean / error if error else None
    p = float(2 * stdtr(size - 1, -abs(t))) if t is not None else None
    return found | {"standard_error": error, "t": t, "p": p}
