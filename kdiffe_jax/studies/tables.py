"""Tables in Markdown, CSV, LaTeX and plain text, and how means and p values are written."""

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


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """A table for a terminal: the first columns to the left, the others to the right.

    >>> print(aligned(["", "recall"], [["ease", "0.1"]]))
          recall
    ease     0.1
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    cells = [
        [
            f"{cell:<{width}}" if place < texts else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join("  ".join(line).rstrip() for line in cells)


def in_blocks(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, gap: int = 2
) -> list[tuple[list[str], list[list[str]]]]:
    """A table as several that are no wider than a terminal, each with the first column.

    A column that is too wide beside the first one has a table of its own.

    Args:
      header, rows: of the whole table.
      width: letters in a line.
      gap: letters between columns.

    >>> in_blocks(["", "a", "b"], [["x", "0.1", "0.2"]], 8)
    [(['', 'a'], [['x', '0.1']]), (['', 'b'], [['x', '0.2']])]
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) + gap for column in zip(*lines, strict=True)]
    blocks: list[list[int]] = [[0]]
    for place in range(1, len(header)):
        used = sum(widths[i] for i in blocks[-1])
        if len(blocks[-1]) > 1 and used + widths[place] - gap > width:
            blocks.append([0])
        blocks[-1].append(place)
    return [
        ([header[i] for i in places], [[row[i] for i in places] for row in rows])
        for places in blocks
    ]


_IN_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "<": "$<$", ">": "$>$", "|": "$|$", "[": "{[}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def latex(header: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """A tabular for the package booktabs; cells are escaped.

    >>> print(latex(["", "a_b"], [["x & y", "1 ± 2"]]))
    \\begin{tabular}{lr}
    \\toprule
     & a\\_b \\\\
    \\midrule
    x \\& y & 1 $\\pm$ 2 \\\\
    \\bottomrule
    \\end{tabular}
    """
    escape = str.maketrans(_IN_LATEX)
    lines = [" & ".join(cell.translate(escape) for cell in line) for line in [header, *rows]]
    first, *rest = [line + r" \\" for line in lines]
    kinds = "l" * texts + "r" * (len(header) - texts)
    top = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", first, r"\midrule"]
    return "\n".join([*top, *rest, r"\bottomrule", r"\end{tabular}"])


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
    rest = "" if np.isnan(error) else f" ± {error:,.{digits}f}"
    return f"{np.mean(values):,.{digits}f}{rest}"


def value_text(value: Any) -> str:
    """A hyper-parameter's value, floats in four digits.

    >>> value_text(0.00123456), value_text("batch")
    ('0.001235', 'batch')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def number_text(value: float | None, digits: int) -> str:
    """A figure with so many decimals; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def probability_text(value: float | None, digits: int) -> str:
    """A p value.

    >>> probability_text(0.04321, 3), probability_text(1e-9, 3), probability_text(None, 3)
    ('0.043', '< 0.001', '-')
    """
    least = 10.0**-digits
    small = value is not None and value < least
    return f"< {least:.{digits}f}" if small else number_text(value, digits)
