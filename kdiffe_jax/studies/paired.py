"""Two settings over the same seeds and the same users: paired differences and t tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdiffe_jax.errors import RunError
from kdiffe_jax.evaluation.paired_test import paired_test
from kdiffe_jax.studies.gather import SCORES, Outcome, settings_of, values_of
from kdiffe_jax.studies.tables import markdown, mean_text

TESTS = ("metric", "difference", "t, seeds", "p, seeds", "t, users", "p, users")


def over_seeds(
    outcomes: Sequence[Outcome], first: str, second: str, split: str, metric: str
) -> np.ndarray:
    """f64[2, n]: the scores of both settings with the seeds that both have."""
    a, b = (values_of(outcomes, setting, split, metric) for setting in (first, second))
    seeds = sorted(a.keys() & b.keys())
    return np.array([[scores[s] for s in seeds] for scores in (a, b)], float)


def over_users(outcomes: Sequence[Outcome], first: str, second: str, metric: str) -> np.ndarray:
    """f64[2, n]: test users' metrics in both settings, each the mean over the common seeds.

    Raises:
      RunError: the settings were scored on different users.
    """
    runs = {(o.setting, o.seed): o for o in outcomes if o.setting in (first, second)}
    seeds = sorted({s for _, s in runs if (first, s) in runs and (second, s) in runs})
    if not seeds:
        return np.zeros((2, 0))
    tables = [[_per_user(runs[name, s], metric) for s in seeds] for name in (first, second)]
    users = [users for table in tables for users, _ in table]
    if any(not np.array_equal(users[0], other) for other in users[1:]):
        raise RunError(f"{first} and {second} were scored on different users; nothing is paired")
    return np.array([np.mean([values for _, values in table], axis=0) for table in tables])


def comparison_table(outcomes: Sequence[Outcome], *, against: str) -> str:
    """Every setting minus `against` on test, with tests over seeds and over users, in Markdown."""
    rows = [
        [setting, *row]
        for setting in settings_of(outcomes)
        if setting != against
        for row in comparison_rows(outcomes, setting, against)
    ]
    return markdown(["minus " + against, *TESTS], rows)


def comparison_rows(outcomes: Sequence[Outcome], setting: str, against: str) -> list[list[str]]:
    """The cells of `TESTS`, a row a metric: `setting` minus `against` on test."""
    rows = []
    for metric in SCORES:
        pairs = over_seeds(outcomes, setting, against, "test", metric)
        seeds = paired_test(*pairs)
        users = paired_test(*over_users(outcomes, setting, against, metric))
        tests = [_number(seeds["t"], 1), _probability(seeds["p"], 3)]
        tests += [_number(users["t"], 1), _probability(users["p"], 4)]
        rows.append([metric, mean_text(np.subtract(*pairs)), *tests])
    return rows


def _per_user(outcome: Outcome, metric: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(outcome.per_user, allow_pickle=False) as file:
        return file["users"], file[metric]


def _probability(value: float | None, digits: int) -> str:
    least = 10.0**-digits
    small = value is not None and value < least
    return f"< {least:.{digits}f}" if small else _number(value, digits)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
