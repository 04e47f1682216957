"""What scorers give: the parts of a score, and what another program needs to score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Shares(NamedTuple):
    """What a score is the sum of; n past items of the user."""

    score: float
    own: float  #: of the user's own row, 0 where there is none
    items: np.ndarray  #: i32[n]
    weights: np.ndarray  #: f32[n]
    contributions: np.ndarray  #: f64[n]
    similarity: np.ndarray | None = None  #: f32[n], S, where the model has it


class Exported(NamedTuple):
    """What another program needs to score."""

    file: str  #: where the tensors are written
    tensors: dict[str, np.ndarray]
    formula: str  #: how to score with them, in words
    stablehlo: bytes | None  #: the formula as a program
