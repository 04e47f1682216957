"""The order of a leaderboard's rows, and the test of each one against another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.paired_test import holm, paired_test
from kdiffe_jax.studies.leaderboard_rows import Row, other_users


def in_order(rows: Sequence[Row], metric: str) -> tuple[str, list[Row]]:
    """The split that orders, test where all rows have it, and the rows, the best first.

    Raises:
      ConfigError: a row has no such metric.
    """
    for row in rows:
        if not row.scores("valid", metric):
            raise ConfigError(f"{row.runs[0]}: has no metric {metric!r}; it has {known(row)}")
    split = "test" if all(row.scores("test", metric) for row in rows) else "valid"

    def key(row: Row) -> tuple[float, str]:
        mean = float(np.mean(row.scores(split, metric)))
        return -np.nan_to_num(mean, nan=-1.0), row.name

    return split, sorted(rows, key=key)


def own_metric(rows: Sequence[Row]) -> str:
    """The metric by which all rows chose their epochs.

    Raises:
      ConfigError: there are several.
    """
    own = {row.result["selection_metric"]: row.runs[0] for row in rows}
    if len(own) > 1:
        said = ", ".join(f"{metric} of {run}" for metric, run in own.items())
        raise ConfigError(f"epochs were chosen by {said}; --metric=NAME says which one orders")
    return next(iter(own))


def known(row: Row) -> str:
    """The metrics of a row, for messages."""
    return ", ".join(row.result["valid"])


def order_note(metric: str, split: str) -> str:
    """What the rows are ordered by."""
    if split == "test":
        return f"Ordered by test {metric}; ± is the standard error over seeds."
    said = f"Ordered by validation {metric}, since not all runs scored the test split"
    return f"{said}; ± is the standard error over seeds."


def with_tests(
    rows: Sequence[Row], metric: str, *, against: str | None = None
) -> tuple[list[Row], list[str]]:
    """The rows with the p of each one's test over users, and what to say of it.

    Args:
      against: the name of the row that the others are tested against; the first if omitted.

    Raises:
      RunError: rows were scored on different users, or a file is damaged.
    """
    base = next((row for row in rows if row.name == against), rows[0])
    found = base.users(metric)
    if found is None:
        return list(rows), []
    p: list[float | None] = []
    for row in rows:
        own = None if row is base else row.users(metric)
        if own is not None and not np.array_equal(found[0], own[0]):
            raise other_users(base, row)
        p.append(None if own is None else paired_test(found[1], own[1])["p"])
    p = holm(p)
    tests = sum(value is not None for value in p)
    corrected = f", Holm-corrected for {tests} tests" if tests > 1 else ""
    chosen = ", the best on them" if all(row.scores("test", metric) for row in rows) else ""
    which = f"the first row{chosen}" if against is None else base.name
    said = f"p: paired t test of test {metric} over {len(found[0]):,} users against {which}"
    rows = [dataclasses.replace(row, p=value) for row, value in zip(rows, p, strict=True)]
    return rows, [f"{said}{corrected}."] if tests else []
