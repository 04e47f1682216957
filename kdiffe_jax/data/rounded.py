"""Shares of counts as whole numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np


def rounded(counts: np.ndarray | int, share: float) -> np.ndarray:
    """int64 of the shape of `counts`: the whole numbers nearest to its shares, halves up.

    The share counts as the decimal number that it is written as, which its binary number may
    be below: 0.29 of 50 is 14.5.

    >>> rounded(np.array([50, 49]), 0.29).tolist()
    [15, 14]
    """
    exact, half = Fraction(str(share)), Fraction(1, 2)
    sizes, places = np.unique(counts, return_inverse=True)
    whole = [math.floor(size * exact + half) for size in sizes.tolist()]
    return np.array(whole, np.int64)[places.reshape(np.shape(counts))]
