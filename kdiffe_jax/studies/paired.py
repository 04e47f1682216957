"""Two settings over the same seeds and the same users: paired differences and t tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.errors import RunError, one_line
from kdiffe_jax.evaluation.paired_test import paired_test
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npz
from kdiffe_jax.studies.gather import SCORES, Outcome, settings_of, values_of
from kdiffe_jax.studies.tables import markdown, mean_text, number_text, probability_text

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
    found = [user_means([runs[name, s] for s in seeds], metric) for name in (first, second)]
    (users, _), (others, _) = found
    if not np.array_equal(users, others):
        raise RunError(f"{first} and {second} were scored on different users; nothing is paired")
    return np.array([means for _, means in found])


def user_means(outcomes: Sequence[Outcome], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The test users of one setting, and each one's metric as the mean over its outcomes.

    Returns:
      i32[n], f64[n].

    Raises:
      RunError: the outcomes are of different users, or a file is damaged.
    """
    seeds: dict[Path, list[int]] = {}
    for outcome in outcomes:
        seeds.setdefault(outcome.per_user, []).append(outcome.seed)
    tables = [_per_user(file, of, metric) for file, of in seeds.items()]
    (first, users, _), *others = tables
    for file, other, _ in others:
        if not np.array_equal(users, other):
            raise RunError(f"{first} and {file} are of different users; nothing is paired")
    return users, np.concatenate([values for *_, values in tables]).mean(axis=0, dtype=float)


def comparison_table(outcomes: Sequence[Outcome], *, against: str) -> str:
    """Every setting minus `against` on test, with tests over seeds and over users, in Markdown."""
    rows = [
        [setting, *row]
        for setting in settings_of(outcomes)
        if setting != against
        for row in comparison_rows(outcomes, setting, against)
    ]
    return markdown(["minus " + against, *TESTS], rows) + tests_note(len(rows))


def tests_note(rows: int) -> str:
    """What is to be known of the p values of a table; nothing where there is one of each kind."""
    if rows < 2:
        return ""
    return f"\n\np is of each test alone: not corrected for the {rows} over seeds, or over users."


def comparison_rows(outcomes: Sequence[Outcome], setting: str, against: str) -> list[list[str]]:
    """The cells of `TESTS`, a row a metric: `setting` minus `against` on test."""
    rows = []
    for metric in SCORES:
        pairs = over_seeds(outcomes, setting, against, "test", metric)
        seeds = paired_test(*pairs)
        users = paired_test(*over_users(outcomes, setting, against, metric))
        tests = [number_text(seeds["t"], 1), probability_text(seeds["p"], 3)]
        tests += [number_text(users["t"], 1), probability_text(users["p"], 4)]
        rows.append([metric, mean_text(np.subtract(*pairs)), *tests])
    return rows


def _per_user(file: Path, seeds: Sequence[int], metric: str) -> tuple[Path, np.ndarray, np.ndarray]:
    """The file, its users, and a row of their values for each of the seeds."""
    try:
        arrays = read_npz(file)
        users, values = arrays["users"], np.atleast_2d(arrays[metric])
        if "seeds" in arrays:
            values = values[[list(arrays["seeds"]).index(seed) for seed in seeds]]
        if values.shape != (len(seeds), len(users)):
            raise ValueError(f"{metric} has another size than users")
    except DAMAGED as error:
        raise RunError(f"{file}: damaged ({one_line(error)})") from error
    return file, users, values
