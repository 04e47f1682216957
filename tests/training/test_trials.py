"""Trials of one program are the single runs of their configurations."""

import jax
import numpy as np
import pytest
from kdiffe_jax.training.trials import (
    curve_of,
    has_diverged,
    train_trials,
    trial_history,
    trials_of,
)

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from tests.small_model import SMALL

VALUES = (
    {"learning_rate": 0.02},
    {"learning_rate": 0.01, "xi": 0.2, "temperature": 0.3},
    {"learning_rate": 0.05, "theta_1": 0.3, "theta_2": 1e-3},
)


def configs_of(values):
    return [Config.from_flat({**SMALL, "epochs": 3, "patience": 3, **own}) for own in values]


def silent(_):
    return None


def trained(setup, path, values, **options):
    """The history of the trials, from a run directory that may hold a part of it."""
    trials = trials_of(setup, configs_of(values))
    rules = dict(goes_on=lambda curve: True, on_epoch=silent, log=silent) | options
    with RunDirectory(path).claim({}) as run:
        return train_trials(setup, trials, run, **rules)


@pytest.mark.parametrize("at_once", (1, 3))
def test_every_trial_is_the_single_run(make_problem, tmp_path, at_once):
    setup = make_problem(**{**VALUES[0], "epochs": 3})
    history = trained(setup, tmp_path / "trials", VALUES, at_once=at_once)
    for trial, own in enumerate(VALUES):
        with RunDirectory(tmp_path / str(trial)).claim({}) as run:
            single = train(make_problem(**own, epochs=3), run, on_epoch=silent, log=silent)
        ours = trial_history(history, trial)
        assert len(ours) == len(single.history) == 3
        for mine, its in zip(ours, single.history, strict=True):
            np.testing.assert_allclose(mine["loss"], its["loss"], rtol=1e-4)
            np.testing.assert_allclose(
                mine["valid"]["recall@20"], its["valid"]["recall@20"], atol=0.02
            )


def test_trials_stop_by_themselves(make_problem, tmp_path):
    values = [{"learning_rate": rate} for rate in (0.02, 1e30, 0.01)]
    setup = make_problem(**{**values[0], "epochs": 3})
    history = trained(setup, tmp_path / "a", values, goes_on=lambda curve: len(curve) < 2)
    assert has_diverged(history, 1) and not has_diverged(history, 0)
    assert [len(curve_of(history, trial, "recall@20")) for trial in range(3)] == [2, 0, 2]
    assert len(history) == 2, "nothing trains, but the program goes on"


def test_a_killed_program_continues(make_problem, tmp_path):
    setup = make_problem(**{**VALUES[0], "epochs": 3})
    unbroken = trained(setup, tmp_path / "a", VALUES)

    class Killed(BaseException):
        pass

    def kill(record):
        raise Killed

    with pytest.raises(Killed):
        trained(setup, tmp_path / "b", VALUES, on_epoch=kill)
    continued = trained(setup, tmp_path / "b", VALUES)
    for record in (*unbroken, *continued):
        record.pop("seconds")
    assert continued == unbroken


def test_one_compilation_serves_other_values(make_problem):
    setup = make_problem(**VALUES[0])
    first = trials_of(setup, configs_of(VALUES))
    other = trials_of(setup, configs_of(VALUES[::-1]))
    assert jax.tree.map(lambda a: (a.shape, a.dtype), first[1:]) == jax.tree.map(
        lambda a: (a.shape, a.dtype), other[1:]
    )


@pytest.mark.parametrize("change", ({"dim": 16}, {"theta_1": 0.0}, {"seed": 3}))
def test_another_shape_is_refused(make_problem, change):
    with pytest.raises(ConfigError, match="differ in xi, temperature"):
        trials_of(make_problem(), configs_of([{}, change]))
