"""Tables in Markdown and CSV, and the way a mean with its standard error is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [header, *rows]
    text = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
    return "\n".join([text[0], "|---" * len(header) + "|", *text[1:]])


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A table as CSV in UTF-8; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([header, *rows])
    return stream.getvalue().encode()


def standard_error(values: Sequence[float]) -> float:
    """Of the mean; NaN for fewer than two values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def mean_text(values: Sequence[float], digits: int = 4) -> str:
    """The mean, and its standard error where there are two values or more.

    >>> mean_text([0.1, 0.2]), mean_text([0.5]), mean_text([])
    ('0.1500 ± 0.0500', '0.5000', '-')
    """
    if not len(values):
        return "-"
    error = standard_error(values)
    rest = "" if np.isnan(error) else f" ± {error:.{digits}f}"
    return f"{np.mean(values):.{digits}f}{rest}"


def value_text(value: Any) -> str:
    """A hyper-parameter's value, floats in four digits.

    >>> value_text(0.00123456), value_text("batch")
    ('0.001235', 'batch')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)
