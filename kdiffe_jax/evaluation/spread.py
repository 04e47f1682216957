"""Mean, standard error and confidence interval of one figure over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

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
    reach = float(stdtrit(len(values) - 1, (1 + _CONFIDENCE) / 2)) * error
    return {"mean": mean, "standard_error": error, "interval_95": [mean - reach, mean + reach]}
