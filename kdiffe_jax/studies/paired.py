"""Two settings over the same seeds and the same users: paired differences and t tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from kdiffe_jax.errors import RunError
from kdiffe_jax.studies.gather import SCORES, Outcome, settings_of, values_of
from kdiffe_jax.studies.tables import markdown, mean_text


class Paired(NamedTuple):
    """First minus second, paired; t and p are NaN where the differences do not vary."""

    differences: np.ndarray
    t: float
    p: float


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """The paired t test of two equally long lists.

    >>> paired([3.0, 5.0, 7.0], [1.0, 2.0, 6.0]).differences.tolist()
    [2.0, 3.0, 1.0]
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    size = np.abs(differences).max(initial=0.0)
    if len(differences) < 2 or np.ptp(differences) <= 1e-9 * size:
        return Paired(differences, np.nan, np.nan)
    test = stats.ttest_1samp(differences, 0.0)
    return Paired(differences, float(test.statistic), float(test.pvalue))


def over_seeds(
    outcomes: Sequence[Outcome], first: str, second: str, split: str, metric: str
) -> Paired:
    """The test over the seeds that both settings have."""
    a, b = (values_of(outcomes, setting, split, metric) for setting in (first, second))
    seeds = sorted(a.keys() & b.keys())
    return paired([a[s] for s in seeds], [b[s] for s in seeds])


def over_users(outcomes: Sequence[Outcome], first: str, second: str, metric: str) -> Paired:
    """The test over test users, each user's metric being the mean over the common seeds.

    Raises:
      RunError: the settings were scored on different users.
    """
    runs = {(o.setting, o.seed): o for o in outcomes if o.setting in (first, second)}
    seeds = sorted({s for _, s in runs if (first, s) in runs and (second, s) in runs})
    tables = [[_per_user(runs[name, s], metric) for s in seeds] for name in (first, second)]
    users = [users for table in tables for users, _ in table]
    if any(not np.array_equal(users[0], other) for other in users[1:]):
        raise RunError(f"{first} and {second} were scored on different users; nothing is paired")
    return paired(*(np.mean([values for _, values in table], axis=0) for table in tables))


def comparison_table(outcomes: Sequence[Outcome], *, against: str) -> str:
    """Every setting minus `against` on test, with tests over seeds and over users, in Markdown."""
    header = ["minus " + against, "metric", "difference", "t, seeds", "p, seeds"]
    header += ["t, users", "p, users"]
    rows = []
    for setting in settings_of(outcomes):
        if setting == against:
            continue
        for metric in SCORES:
            seeds = over_seeds(outcomes, setting, against, "test", metric)
            users = over_users(outcomes, setting, against, metric)
            tests = [_number(seeds.t, 1), _probability(seeds.p, 3)]
            tests += [_number(users.t, 1), _probability(users.p, 4)]
            rows.append([setting, metric, mean_text(seeds.differences), *tests])
    return markdown(header, rows)


def _per_user(outcome: Outcome, metric: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(outcome.per_user, allow_pickle=False) as file:
        return file["users"], file[metric]


def _probability(value: float, digits: int) -> str:
    least = 10.0**-digits
    return f"< {least:.{digits}f}" if value < least else _number(value, digits)


def _number(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
