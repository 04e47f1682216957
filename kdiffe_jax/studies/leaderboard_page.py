"""A leaderboard as one page without network: table, validation curves, settings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kdiffe_jax.report.charts import COLOURS, Line, line_chart
from kdiffe_jax.report.document import document
from kdiffe_jax.report.markup import Markup, details, element, joined, links, note, section, table
from kdiffe_jax.report.words import NOTHING
from kdiffe_jax.studies.leaderboard import Leaderboard
from kdiffe_jax.studies.leaderboard_columns import shown_setting
from kdiffe_jax.studies.leaderboard_rows import shown_run

_OTHERS = "others"


def page_of_leaderboard(board: Leaderboard, *more: Markup) -> str:
    """The whole page; the same leaderboard gives the same page.

    Args:
      more: sections below the table.
    """
    labels = board.labels()
    parts = [_table(board, labels), *more, *_curves(board, labels)]
    parts += [_settings(board, labels), _runs(board, labels)]
    runs = sum(len(row.runs) for row in board.rows)
    said = f"leaderboard of {len(board.rows)} configurations, {runs} runs"
    heading = element("header", element("h1", board.dataset), element("p", said))
    return document(f"{board.dataset}: leaderboard", heading, links(parts), *parts)


def _table(board: Leaderboard, labels: Sequence[str]) -> Markup:
    """Scores by label: what a label says of settings is not said again."""
    heads, rows = board.cells()
    scores = slice(1 + len(board.settings), None)
    shown = [
        [label, *(NOTHING if cell == "-" else cell for cell in row[scores])]
        for label, row in zip(labels, rows, strict=True)
    ]
    found = table(["", *heads[scores]], shown, strong=[0])
    return section("leaderboard", "Leaderboard", found, *map(note, board.notes))


def _curves(board: Leaderboard, labels: Sequence[str]) -> list[Markup]:
    """Validation by epoch, a line a seed in the colour of its row; none of closed forms alone."""
    lines = []
    for place, (row, label) in enumerate(zip(board.rows, labels, strict=True)):
        of_its_own = len(labels) <= COLOURS or place < COLOURS - 1
        for outcome in row.outcomes:
            values = [record["valid"].get(board.metric, math.nan) for record in outcome.history]
            if any(map(math.isfinite, values)):
                name = label if of_its_own else _OTHERS
                lines.append(Line(name, values, outcome.result["best_epoch"]))
    if not lines:
        return []
    said = "One line a seed, in the colour of its row; the chosen epochs are marked."
    chart = element("div", line_chart(f"validation {board.metric}", lines), class_="wide")
    return [section("curves", "Validation by epoch", note(said), chart)]


def _settings(board: Leaderboard, labels: Sequence[str]) -> Markup:
    """What tells the rows apart, and folded what they share."""
    configs = [row.config for row in board.rows]
    names = list(dict.fromkeys(name for config in configs for name in config))
    rows = {name: [shown_setting(config, name, NOTHING) for config in configs] for name in names}
    apart = [name for name in names if len(set(rows[name])) > 1]
    shared = [[name, rows[name][0]] for name in names if name not in apart]
    parts = [note("All have the same settings.")]
    if apart:
        strong = [place for place, name in enumerate(apart) if name in board.settings]
        of_rows = [[name, *rows[name]] for name in apart]
        texts = 1 + len(labels)
        said = "Marked are those with several values among the models that have them."
        parts = [note(said), table(["option", *labels], of_rows, texts=texts, strong=strong)]
    folded = details(f"The same in all rows ({len(shared)})", table(["", ""], shared, texts=2))
    return section("settings", "Settings", *parts, folded)


def _runs(board: Leaderboard, labels: Sequence[str]) -> Markup:
    """Which directories a row was read from."""
    rows = [
        [label, joined(element("div", shown_run(run)) for run in row.runs)]
        for row, label in zip(board.rows, labels, strict=True)
    ]
    return section("runs", "Runs", table(["", "directories"], rows, texts=2))
