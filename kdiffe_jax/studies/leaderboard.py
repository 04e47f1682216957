"""Finished runs side by side: one row a configuration, its seeds together, the best first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.paired_test import paired_test
from kdiffe_jax.studies.gather import SCORES, SPLITS
from kdiffe_jax.studies.leaderboard_columns import (
    Measure,
    one_cell,
    scores,
    seeds_text,
    shown_setting,
)
from kdiffe_jax.studies.leaderboard_order import in_order, known, order_note, own_metric, with_tests
from kdiffe_jax.studies.leaderboard_rows import (
    Row,
    differing_settings,
    other_users,
    read_rows,
    shown_run,
)
from kdiffe_jax.studies.tables import (
    aligned,
    csv_bytes,
    latex,
    markdown,
    probability_text,
    standard_error,
)


@dataclasses.dataclass(frozen=True)
class Leaderboard:
    """Runs on one data set, scored on the same users.

    Attributes:
      dataset: its name.
      metric: by which the rows are ordered and tested.
      split: on which they are ordered: "test", or "valid" where a row has no test scores.
      settings: the options whose values differ between rows of models that have them.
      rows: the best first.
      measures: the columns of figures.
      notes: what a reader must know, a sentence each.
    """

    dataset: str
    metric: str
    split: str
    settings: tuple[str, ...]
    rows: tuple[Row, ...]
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]

    def paired(
        self, first: int | str, second: int | str, metric: str | None = None
    ) -> dict[str, Any]:
        """The paired test of two rows over test users, each user's mean over a row's seeds.

        Args:
          first, second: places, the best row's is 0, or names that one row alone has.
          metric: of test; the leaderboard's where it is left out.

        Returns:
          What `evaluation.paired_test` gives of first - second.

        Raises:
          ConfigError: there is no such row, or it has no test scores.
          RunError: they were scored on different users, or a file is damaged.
        """
        rows = [self._row(which) for which in (first, second)]
        (users, ours), (others, theirs) = (self._users(r, metric or self.metric) for r in rows)
        if not np.array_equal(users, others):
            raise other_users(*rows)
        return paired_test(ours, theirs)

    def labels(self) -> list[str]:
        """A name for each row: with the settings that tell it apart, or its directory."""
        labels = []
        for row in self.rows:
            same = [other.config for other in self.rows if other.name == row.name]
            apart = [n for n in self.settings if len({shown_setting(c, n) for c in same}) > 1]
            values = ", ".join(f"{n} {shown_setting(row.config, n)}" for n in apart)
            labels.append(f"{row.name} ({values})" if values else row.name)
        return [
            label if labels.count(label) == 1 else f"{label}, {row.runs[0].name}"
            for label, row in zip(labels, self.rows, strict=True)
        ]

    def as_columns(self) -> dict[str, list]:
        """The table as columns of values, as a DataFrame takes them; None where there is none.

        A score has two: `test_recall@20` is the mean over the seeds, `test_recall@20_error` its
        standard error.
        """
        found: dict[str, list] = {"name": [row.name for row in self.rows]}
        found |= {name: [row.config.get(name) for row in self.rows] for name in self.settings}
        found["seeds"] = [row.seeds for row in self.rows]
        for measure in self.measures:
            values = [row.figures(measure.path) for row in self.rows]
            found[measure.name] = [float(np.mean(v)) if v else None for v in values]
            if measure.varies:
                errors = [standard_error(v) if len(v) > 1 else None for v in values]
                found[f"{measure.name}_error"] = errors
        for name in ("p", "best_epoch", "seconds"):
            found[name] = [getattr(row, name) for row in self.rows]
        return found | {"runs": [[str(run) for run in row.runs] for row in self.rows]}

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The heads and the rows of the table as it is shown."""
        heads = ["", *self.settings, "seeds", *(measure.head for measure in self.measures)]
        rows = []
        for row in self.rows:
            settings = [shown_setting(row.config, name) for name in self.settings]
            means = [measure.cell(row.figures(measure.path)) for measure in self.measures]
            best = "-" if row.best_epoch is None else f"{row.best_epoch:.0f}"
            tail = [probability_text(row.p, 4), best, f"{row.seconds:.0f}"]
            rows.append([row.name, *settings, seeds_text(row.seeds), *means, *tail])
        return [*heads, "p", "best epoch", "seconds"], rows

    def text(self) -> str:
        """The table for a terminal, with the notes below it."""
        table = aligned(*self.cells(), texts=1 + len(self.settings))
        return "\n".join([table, *(f"\n{note}" for note in self.notes[:1]), *self.notes[1:]])

    def markdown(self) -> str:
        """The table in Markdown, with the notes below it."""
        return "\n\n".join([markdown(*self.cells()), *self.notes])

    def latex(self) -> str:
        """The table for the LaTeX package booktabs; notes are comments."""
        notes = [f"% {note}" for note in self.notes]
        table = latex(*self.cells(), texts=1 + len(self.settings))
        return "\n".join([r"% \usepackage{booktabs}", *notes, table])

    def csv(self) -> str:
        """`as_columns` as CSV; several seeds or runs of a row stand in one cell, "; " between."""
        columns = self.as_columns()
        rows = zip(*columns.values(), strict=True)
        return csv_bytes([*columns], [[*map(one_cell, row)] for row in rows]).decode()

    def _row(self, which: int | str) -> Row:
        if isinstance(which, str):
            found = [row for row in self.rows if row.name == which]
        else:
            found = [*self.rows[which : which + 1]] if which >= 0 else []
        if len(found) != 1:
            raise ConfigError(
                f"row {which!r}: {len(found) or 'no'} rows are called so; give a place from 0 to "
                f"{len(self.rows) - 1}"
            )
        return found[0]

    def _users(self, row: Row, metric: str) -> tuple[np.ndarray, np.ndarray]:
        if "test" in row.result and not row.scores("test", metric):
            raise ConfigError(f"{row.runs[0]}: has no test {metric}; it has {known(row)}")
        found = row.users(metric)
        if found is None:
            raise ConfigError(f"{row.runs[0]}: has no test scores by user; nothing is paired")
        return found


def leaderboard_of(
    run_dirs: Sequence[str | Path],
    names: Sequence[str] | None = None,
    *,
    metric: str | None = None,
) -> Leaderboard:
    """Reads finished runs and orders them; runs that differ by the seed alone are one row.

    Args:
      run_dirs: of `launch.main`, all on one data set.
      names: what each run is called in place of its model; runs of other names are other rows.
      metric: that orders and is tested; where left out, the one that chose the runs' epochs.

    Raises:
      ConfigError: no runs, another number of names, or a metric that the runs do not have.
      RunError: as `leaderboard_rows.read_rows` and `leaderboard_order.with_tests`.
    """
    rows = read_rows(run_dirs, names)
    metric = metric or own_metric(rows)
    split, rows = in_order(rows, metric)
    rows, notes = with_tests(rows, metric)
    return Leaderboard(
        dataset=rows[0].result["dataset"],
        metric=metric,
        split=split,
        settings=tuple(differing_settings(rows)),
        rows=tuple(rows),
        measures=scores(SPLITS, list(dict.fromkeys([*SCORES, metric]))),
        notes=(order_note(metric, split), *notes, *warnings_of(rows)),
    )


def warnings_of(rows: Sequence[Row]) -> list[str]:
    """What makes a row less than it seems."""
    said = []
    for row in rows:
        if row.result["selection"] == "test":
            said.append(f"{shown_run(row.runs[0])}: its epoch was chosen on the test split.")
        if "test" in row.result and not row.has_users:
            said.append(f"{shown_run(row.runs[0])}: without test_per_user.npz it is not tested.")
    return [*said, *(note for row in rows for note in _ensembles_of(row))]


def _ensembles_of(row: Row) -> list[str]:
    """Of each run that recommends all its seeds as one: the row is not what recommends."""
    ensembles = {
        outcome.per_user.parent: outcome.result["ensemble"]
        for outcome in row.outcomes
        if "ensemble" in outcome.result
    }
    said = []
    for run, ensemble in ensembles.items():
        scores = " / ".join(f"{ensemble['test'][metric]:.4f}" for metric in SCORES)
        said.append(
            f"{shown_run(run)}: recommends its {ensemble['models']} seeds as one, test "
            f"{' / '.join(SCORES)} {scores}; its row is their mean."
        )
    return said
