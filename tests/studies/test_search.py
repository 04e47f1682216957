"""What is tried next depends on the trials alone, and bad trials are ended."""

import math

import pytest

from kdiffe_jax.studies.search import DIVERGED, DONE, PRUNED, Trial, propose, should_prune
from kdiffe_jax.studies.sweep_file import Pruning, Range, Sweep

GRID = Sweep("grid", 4, 0, None, {"xi": (0.1, 0.5), "top_q": (1, 2)})
SPACE = {"learning_rate": Range(1e-4, 1e-1, True), "top_q": Range(1, 6, False), "xi": (0.1, 0.9)}
TPE = Sweep("tpe", 25, 1, None, SPACE)


def quality(values):
    """Best at a learning rate of 1e-2 and xi = 0.9."""
    return 1.0 - abs(math.log10(values["learning_rate"]) + 2) / 2 - (values["xi"] < 0.5) / 2


def searched(sweep, trials=()):
    trials = list(trials)
    while (values := propose(sweep, trials)) is not None:
        trials.append(Trial(len(trials), values, DONE, (0.0, quality(values))))
    return trials


def test_a_grid_is_walked_in_order():
    trials = []
    while (values := propose(GRID, trials)) is not None:
        trials.append(Trial(len(trials), values))
    assert [tuple(t.values.values()) for t in trials] == [(0.1, 1), (0.1, 2), (0.5, 1), (0.5, 2)]


def test_tpe_stays_in_its_space_and_finds_what_is_good():
    pytest.importorskip("optuna")
    trials = searched(TPE)
    assert len(trials) == 25
    for trial in trials:
        assert 1e-4 <= trial.values["learning_rate"] <= 1e-1
        assert trial.values["top_q"] in range(1, 7) and trial.values["xi"] in (0.1, 0.9)
    assert len({t.values["learning_rate"] for t in trials}) == 25
    first, last = trials[:8], trials[-8:]
    assert sum(t.score for t in last) > sum(t.score for t in first)


def test_a_search_taken_up_again_goes_on_as_the_unbroken_one():
    pytest.importorskip("optuna")
    unbroken = searched(TPE)
    assert searched(TPE, unbroken[:13]) == unbroken
    assert searched(TPE._replace(seed=2))[0] != unbroken[0]


def test_trials_of_all_states_can_stand_before_a_proposal():
    pytest.importorskip("optuna")
    values = [propose(TPE, [])] * 4
    states = ((PRUNED, (0.1,)), (DIVERGED, ()), ("running", (0.2,)), ("running", ()))
    trials = [Trial(n, v, *s) for n, (v, s) in enumerate(zip(values, states, strict=True))]
    assert propose(TPE, trials) not in values


RULE = Pruning(after_trials=2, after_epochs=2)
PEERS = [Trial(0, {}, DONE, (0.1, 0.3, 0.5)), Trial(1, {}, DONE, (0.1, 0.4, 0.4))]


@pytest.mark.parametrize(
    ("curve", "others", "rule", "pruned"),
    [
        ((0.0, 0.34), PEERS, RULE, True),
        ((0.0, 0.36), PEERS, RULE, False),
        ((0.36, 0.0), PEERS, RULE, False),
        ((0.0,), PEERS, RULE, False),
        ((0.0, 0.0), PEERS[:1], RULE, False),
        ((0.0, 0.0), PEERS, None, False),
        ((0.0, 0.0), [t._replace(state=PRUNED) for t in PEERS], RULE, False),
        ((0.1,) * 9, PEERS, RULE, True),
    ],
)
def test_pruning_against_the_median(curve, others, rule, pruned):
    trial = Trial(2, {}, curve=curve)
    assert should_prune(trial, [*others, trial], rule) == pruned
