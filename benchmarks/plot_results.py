"""Recall@20 of every row of a table of results, a panel a data set (needs matplotlib).

    python -m benchmarks.plot_results docs/results.md docs/images/results.png

The first file has the table: a row a model, what its epoch was chosen on, and for every data set
recall@20 / ndcg@20. Rows whose second cell begins with "copied" are published figures.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

_HEAD = ["recall@20 / ndcg@20", "chosen on"]
_SCORE = r"(\d\.\d+)(?: ± (\d\.\d+))?"
_SCORES = re.compile(f"{_SCORE} / {_SCORE}")


class Score(NamedTuple):
    """With the digits that the table has; `error` is None where none is given."""

    value: Decimal
    error: Decimal | None


class Row(NamedTuple):
    """A model's scores by data set, recall@20 and ndcg@20; those that it has not are left out."""

    name: str
    copied: bool
    scores: dict[str, tuple[Score, Score]]


def rows_of(text: str) -> list[Row]:
    """The rows of the table of results, in its order.

    >>> (row,) = rows_of('''
    ... | recall@20 / ndcg@20 | chosen on | Baby |
    ... |---|---|---|
    ... | mine (`--flag`) | validation | **0.10 ± 0.01 / 0.04** |
    ... ''')
    >>> row.name, row.scores["Baby"][0]
    ('mine', Score(value=Decimal('0.10'), error=Decimal('0.01')))

    Raises:
      ValueError: there is no such table, or a cell of it is no score.
    """
    lines = text.splitlines()
    heads = [place for place, line in enumerate(lines) if _cells(line)[:2] == _HEAD]
    if len(heads) != 1:
        raise ValueError(f"{len(heads)} tables that begin with {' | '.join(_HEAD)}, not one")
    data = _cells(lines[heads[0]])[2:]
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[heads[0] + 2 :])
    return [_row(_cells(line), data) for line in table]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _row(cells: Sequence[str], data: Sequence[str]) -> Row:
    if len(cells) != 2 + len(data):
        raise ValueError(f"{cells[0]}: a row has {len(cells)} cells, the head {2 + len(data)}")
    found = zip(data, cells[2:], strict=True)
    scores = {name: _scores(cell) for name, cell in found if cell != "-"}
    return Row(re.sub(r" \(`.*`\)", "", cells[0]), cells[1].startswith("copied"), scores)


def _scores(cell: str) -> tuple[Score, Score]:
    match = _SCORES.fullmatch(cell.strip("*"))
    if match is None:
        raise ValueError(f"{cell!r} is not recall@20 / ndcg@20, each with ± or without, nor -")
    recall, recall_error, ndcg, ndcg_error = match.groups()
    return _score(recall, recall_error), _score(ndcg, ndcg_error)


def _score(value: str, error: str | None) -> Score:
    return Score(Decimal(value), None if error is None else Decimal(error))


def draw(rows: Sequence[Row], path: Path) -> None:
    """A line a row, those without a score left out; ours and copied by colour and marker."""
    rows = [row for row in rows if row.scores]
    data = list(dict.fromkeys(name for row in rows for name in row.scores))
    figure = Figure(figsize=(10, 0.28 * len(rows) + 1.3), layout="constrained")
    panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, data, strict=True):
        _panel(axes, name, rows)
    panels[0].set_yticks(range(len(rows)), [row.name for row in rows])
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    found = dict(zip(labels, handles, strict=True))
    figure.legend(found.values(), found.keys(), frameon=False, loc="outside upper left", ncols=2)
    figure.savefig(path, dpi=130)


def _panel(axes, data: str, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        if data in row.scores:
            _point(axes, place, row.scores[data][0], row.copied)
    axes.set(title=data, xlabel="recall@20")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.25 * (high - low))  # room for the last figure
    axes.locator_params(axis="x", nbins=4)
    axes.grid(True, alpha=0.3)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _point(axes, place: int, score: Score, copied: bool) -> None:
    colour, marker, label = ("C1", "s", "copied") if copied else ("C0", "o", "ours")
    value, error = float(score.value), float(score.error or 0)
    axes.plot(value, place, marker, color=colour, ms=5, label=label)
    if error:
        axes.errorbar(value, place, xerr=error, color=colour, capsize=4)
    beside = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
    axes.annotate(f"{score.value}", (value + error, place), **beside)


def main(argv: Sequence[str]) -> int:
    """Draws the figure."""
    if len(argv) != 3:
        raise SystemExit("usage: python -m benchmarks.plot_results RESULTS.md PICTURE.png")
    try:
        rows = rows_of(Path(argv[1]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {argv[1]}: {error}") from None
    draw(rows, Path(argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
