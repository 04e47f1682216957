"""What the study of models says at its end: a leaderboard with more columns, runs, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.report.markup import element, section, table
from kdiffe_jax.studies.figures import Marks
from kdiffe_jax.studies.gather import SPLITS, Outcome
from kdiffe_jax.studies.leaderboard import Leaderboard, warnings_of
from kdiffe_jax.studies.leaderboard_columns import Measure, scores
from kdiffe_jax.studies.leaderboard_order import in_order, order_note, own_metric, with_tests
from kdiffe_jax.studies.leaderboard_page import page_of_leaderboard
from kdiffe_jax.studies.leaderboard_rows import Row, read_rows
from kdiffe_jax.studies.models_plan import COLUMNS, FITTED, Setting
from kdiffe_jax.studies.tables import csv_bytes, markdown

CPU, MEMORY, PARAMETERS = "cpu_seconds", "peak_memory_gb", "parameters"
MEASURES = (
    *scores(["valid"], ["recall@20"]),
    *scores(["test"], [f"{name}@{k}" for name in ("recall", "ndcg", "mrr") for k in (10, 20)]),
    Measure("cold recall@20", ("cold", "test", "among_all", "recall@20")),
    Measure("coverage@20", ("beyond_accuracy", "coverage@20")),
    Measure("novelty@20", ("beyond_accuracy", "novelty@20"), digits=2),
    Measure("parameters", (PARAMETERS,), digits=0, varies=False),
    Measure("CPU seconds", (CPU,), digits=1),
    Measure("GB", (MEMORY,), digits=2),
)
NOTES = (
    "published: the authors' objective and sizes with d 64; ours: the training that all models "
    "share here; options of both, and the epochs, are chosen on validation.",
    "cold recall@20: of interactions with items that training never saw, among all items. CPU "
    "seconds: of all cores, to the best epoch. GB: the most memory that the process held.",
)
_LEAST_SECONDS = 0.1


class Reported(NamedTuple):
    """What came of a row: the point that was chosen, its finished runs, and how to repeat it."""

    setting: Setting
    point: int
    runs: Sequence[Path]
    command: str


def board_of(reported: Sequence[Reported], left_out: Mapping[str, str]) -> Leaderboard:
    """The table, tested against the closed form that validation finds the best.

    Args:
      reported: at least one, each with at least one finished run.
      left_out: row -> why it, or one of its seeds, is left out.

    Raises:
      RunError: a run is damaged, or of other data.
    """
    runs, names = zip(*((run, of.setting.name) for of in reported for run in of.runs), strict=True)
    rows = read_rows(runs, names)
    metric = own_metric(rows)
    split, rows = in_order(rows, metric)
    baseline = _best_baseline(rows, metric)
    rows, tests = with_tests(rows, metric, against=baseline)
    if baseline is not None:
        tests = [*tests, f"{baseline}: the baseline with the best validation {metric}."]
    return Leaderboard(
        dataset=rows[0].result["dataset"],
        metric=metric,
        split=split,
        settings=(),
        rows=tuple(rows),
        measures=_measures(metric),
        notes=(
            order_note(metric, split),
            *tests,
            *NOTES,
            *_standing_in(rows),
            *_where_data_lie([of.command for of in reported]),
            *warnings_of(rows),
            *why(left_out),
        ),
    )


def _measures(metric: str) -> tuple[Measure, ...]:
    """With the metric that orders, on both splits."""
    own = scores(SPLITS, [metric])
    return (*(measure for measure in own if measure not in MEASURES), *MEASURES)


def _standing_in(rows: Sequence[Row]) -> list[str]:
    shown = {row.result.get("shown_as", row.config["model"]) for row in rows}
    marked = sorted(shown - {row.config["model"] for row in rows})
    return [f"What stands in for features: {', '.join(marked)}."] if marked else []


def _where_data_lie(commands: Sequence[str]) -> list[str]:
    """Commands name no directory that is of one machine alone."""
    named = [c for c in commands if "--dataset=" in c and "--dataset=synthetic" not in c]
    if all("--data_dir=" in command for command in named):
        return []
    return ["The commands look for the data under datasets; add --data_dir=DIR for another place."]


def why(left_out: Mapping[str, str]) -> list[str]:
    """A line a reason, after all that it holds for.

    >>> why({"bm3, published": "left out: no features", "bm3, ours": "left out: no features"})
    ['bm3, published; bm3, ours: left out: no features']
    """
    of = {said: [n for n in left_out if left_out[n] == said] for said in left_out.values()}
    return [f"{'; '.join(names)}: {said}" for said, names in of.items()]


def _best_baseline(rows: Sequence[Row], metric: str) -> str | None:
    means = {row.name: np.mean(row.scores("valid", metric)) for row in rows if not row.seeds}
    return max(means, key=lambda name: means[name], default=None)


def markdown_of(board: Leaderboard, reported: Sequence[Reported]) -> str:
    """The table, its notes, what was chosen, and the command that repeats each row."""
    return "\n\n".join([board.markdown(), markdown(*_chosen(board, reported, code="`"))])


def page_of(board: Leaderboard, reported: Sequence[Reported]) -> str:
    """The same as one page that loads nothing, with the curves of validation."""
    heads, rows = _chosen(board, reported)
    shown = [[*row[:-1], element("code", row[-1])] for row in rows]
    return page_of_leaderboard(
        board, section("commands", "What was chosen", table(heads, shown, texts=len(heads)))
    )


def _chosen(board: Leaderboard, reported: Sequence[Reported], *, code: str = ""):
    """Heads and rows in the order of the leaderboard."""
    of_name = {of.setting.name: of for of in reported}
    rows = []
    for row in board.rows:
        of = of_name[row.name]
        chosen = row.result.get("hyper_parameters", {})
        said = of.setting.shown(of.point) or ", ".join(f"{n} {v}" for n, v in chosen.items())
        tried = str(len(of.setting.points)) if of.setting.is_tuned else "-"
        rows.append([row.name, tried, said or "-", f"{code}{of.command}{code}"])
    return ["", "points tried", "chosen on validation", "command"], rows


def figure_of(board: Leaderboard, columns: Mapping[str, str]) -> Marks:
    """Score against CPU seconds to the best epoch, one mark a row.

    Args:
      columns: name of a row -> its column.
    """
    order = [column for column in (*COLUMNS, FITTED) if column in columns.values()]
    groups: dict[str, list[tuple[str, float, float]]] = {column: [] for column in order}
    for row in board.rows:
        seconds, values = row.figures((CPU,)), row.scores(board.split, board.metric)
        if seconds and values:
            x = max(_LEAST_SECONDS, float(np.mean(seconds)))
            mark = (row.config["model"], x, float(np.mean(values)))
            groups[columns[row.name]].append(mark)
    label = f"CPU seconds to the best epoch (at least {_LEAST_SECONDS:g})"
    split = "validation" if board.split == "valid" else board.split
    return Marks(board.dataset, label, f"{split} {board.metric}", groups)


def runs_csv(runs: Sequence[tuple[Setting, int, str, Outcome]]) -> bytes:
    """A line a run, those that tuned too.

    Args:
      runs: setting, point, "tuning" or "reported", and the outcome.
    """
    cost = ("best_epoch", "epochs", "seconds", CPU, PARAMETERS, MEMORY)
    metrics = list(dict.fromkeys(m for *_, of in runs for m in of.result["valid"]))
    header = ["model", "column", "stage", "point", "options", "seed", *cost]
    header += [f"{split}_{metric}" for split in SPLITS for metric in metrics]
    rows = []
    for setting, point, stage, of in runs:
        seed = None if setting.column == FITTED else of.seed
        row = [setting.model, setting.column, stage, point, setting.shown(point), seed]
        row += [of.result.get(name) for name in cost]
        rows.append(row + [of.score(split, metric) for split in SPLITS for metric in metrics])
    return csv_bytes(header, rows)
