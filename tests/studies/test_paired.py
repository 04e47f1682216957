"""The tables of paired differences: over seeds, over users, and what no digit can show."""

import numpy as np
import pytest
from scipy import stats

from kdiffe_jax.errors import RunError
from kdiffe_jax.studies.gather import SCORES, Outcome
from kdiffe_jax.studies.paired import comparison_table, over_users

USERS = np.arange(300)


def outcome(directory, setting, seed, values, users=USERS):
    file = directory / f"{setting}-{seed}.npz"
    np.savez(file, users=users, **dict.fromkeys(SCORES, values))
    test = dict.fromkeys(SCORES, float(values.mean()))
    return Outcome(setting, seed, {"test": test}, 1.0, file)


@pytest.fixture
def values(rng):
    """By setting, a row a seed: `near` differs from `full` by noise, `far` by half."""
    full = rng.random((4, len(USERS)))
    return {"full": full, "near": full + rng.normal(size=full.shape) / 50, "far": full / 2}


@pytest.fixture
def outcomes(tmp_path, values):
    return [
        outcome(tmp_path, setting, seed, row)
        for setting, rows in values.items()
        for seed, row in enumerate(rows)
    ]


def test_every_row_holds_the_paired_tests_over_seeds_and_over_users(outcomes, values):
    *table, _, said = comparison_table(outcomes, against="full").splitlines()
    assert said == "p is of each test alone: not corrected for the 4 over seeds, or over users."
    lines = table[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[:2] for row in cells] == [[s, m] for s in ("near", "far") for m in SCORES]
    for setting, _, difference, *tests in cells:
        ours, full = values[setting], values["full"]
        by_seed = stats.ttest_rel(ours.mean(axis=1), full.mean(axis=1))
        by_user = stats.ttest_rel(ours.mean(axis=0), full.mean(axis=0))
        assert difference.startswith(f"{(ours - full).mean():.4f} ± ")
        assert [tests[0], tests[2]] == [f"{by_seed.statistic:.1f}", f"{by_user.statistic:.1f}"]
        shown = [f"{by_seed.pvalue:.3f}", f"{by_user.pvalue:.4f}"]
        if setting == "far":
            assert by_seed.pvalue < 0.001 and by_user.pvalue < 0.0001
            shown = ["< 0.001", "< 0.0001"]
        assert [tests[1], tests[3]] == shown


def test_settings_scored_on_different_users_are_not_paired(tmp_path, values):
    first = outcome(tmp_path, "full", 0, values["full"][0])
    second = outcome(tmp_path, "near", 0, values["near"][0], users=USERS + 1)
    with pytest.raises(RunError, match="different users"):
        over_users([first, second], "near", "full", SCORES[0])


def test_one_seed_or_none_in_common_has_no_test(tmp_path, values):
    first = outcome(tmp_path, "full", 0, values["full"][0])
    second, other = (outcome(tmp_path, "near", seed, values["near"][0]) for seed in (0, 1))
    row = comparison_table([first, second], against="full").splitlines()[2]
    assert row.split("|")[4:6] == [" - ", " - "] and " - " not in row.split("|")[6:8]
    row = comparison_table([first, other], against="full").splitlines()[2]
    assert row.split("|")[3:8] == [" - "] * 5
