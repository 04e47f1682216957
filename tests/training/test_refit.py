"""A refit: every interaction trains, as long as validation chose, and nothing is ranked."""

import json

import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.models.fitting import fit_closed_form
from kdiffe_jax.models.registry import changed
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, read_model, write_model
from kdiffe_jax.training.fit import Hooks, fit
from kdiffe_jax.training.loop import compile_setup
from kdiffe_jax.training.refit import (
    REFIT_OF,
    check_data,
    everything_trains,
    read_scored,
    refit,
)
from kdiffe_jax.training.refit import (
    config_of as config_of_refit,
)
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.setup import build_setup
from tests.models.conftest import checkerboard, config_of
from tests.small_setups import Killed, assert_equal, killing, started


@pytest.fixture(scope="module")
def resources(tmp_path_factory):
    return Resources(tmp_path_factory.mktemp("cache"), baselines=BaselineSettings("most_popular"))


@pytest.fixture
def scored(tmp_path, resources):
    """Trains a small model, and reads the finished run as a refit does."""

    def train(model, dataset=None, **changes):
        dataset, config = dataset or checkerboard(), config_of(model, **changes)
        identity = {**identity_of(dataset), **config.to_flat()}
        with RunDirectory(tmp_path / "scored").claim(identity) as run:
            fit(dataset, config, run, resources)
        return read_scored(tmp_path / "scored")

    return train


def again(scored, resources, path, dataset=None, **hooks):
    """The refit of a run: its result and its model."""
    with RunDirectory(path).claim(scored.identity) as run:
        result = refit(dataset or checkerboard(), scored, run, resources, hooks=Hooks(**hooks))
    return result, read_model(path)


def by_hand(config, resources, epochs):
    """Users and items after some epochs on every interaction, without the loop."""
    every, parts = everything_trains(checkerboard()), dict(cache_dir=resources.cache_dir, log=print)
    setup = build_setup(every, config, **parts, ranked=False)
    compiled, (state, carry) = compile_setup(setup), started(setup)
    for epoch in range(epochs):
        batches = setup.placement.batches(setup.sampler, epoch)
        state, _ = compiled.epoch(state, batches, setup.inputs, carry, setup.traced())
        carry = compiled.refresh(state.params, setup.inputs, carry, state.key, epoch + 1)
    return compiled.view(state.params, setup.inputs, carry)


@pytest.mark.parametrize("model", ["lightgcn", "kdiffe"])
def test_it_is_the_training_on_all_interactions(model, scored, resources, tmp_path):
    run = scored(model, epochs=5, patience=5)
    epochs = run.result["best_epoch"] + 1
    result, made = again(run, resources, tmp_path / "again")
    assert result["refit"]["epochs"] == epochs
    assert result["refit"]["interactions"] == len(made.train) == 60 * 10
    assert not len(made.held_out)
    assert RunDirectory(tmp_path / "again").environment()["devices"]["count"] == 1
    view = by_hand(config_of(model, epochs=epochs), resources, epochs)
    assert_equal((np.asarray(view.users), np.asarray(view.items)), (made.users, made.items))


def test_scores_and_epochs_stay_those_of_the_run(scored, resources, tmp_path):
    run = scored("lightgcn")
    result, _ = again(run, resources, tmp_path / "again")
    assert {name: result[name] for name in run.result} == run.result
    assert RunDirectory(tmp_path / "again").history() == run.run.history()
    stored = json.loads((tmp_path / "again" / "config.json").read_text())
    assert stored == {**run.stored, REFIT_OF: run.identity[REFIT_OF]}


@pytest.mark.parametrize("model", ["most_popular", "lightgcn"])
def test_what_an_ablation_takes_is_not_trained_on(model, scored, resources, tmp_path):
    run = scored(model, data_ablation="items:0.5")
    result, made = again(run, resources, tmp_path / "again")
    left = ablated(everything_trains(checkerboard()), config_of_refit(run).data_ablation).train
    assert result["refit"]["interactions"] == len(left) == len(made.train) < 60 * 10
    if model == "most_popular":
        counts = np.bincount(left[:, 1], minlength=len(made.items))
        np.testing.assert_array_equal(made.items.ravel() > 0, counts > 0)


def test_nothing_is_ranked(scored, resources, tmp_path):
    records = []
    again(scored("lightgcn"), resources, tmp_path / "again", on_epoch=records.append)
    assert records
    assert not any({"valid", "test"} & record.keys() for record in records)


def test_killed_and_resumed_is_the_unbroken_refit(scored, resources, tmp_path):
    run = scored("lightgcn", epochs=6, learning_rate=0.001, patience=6)
    assert run.best_epochs[0] >= 2
    with pytest.raises(Killed):
        again(run, resources, tmp_path / "killed", on_epoch=killing(1))
    records = []
    _, resumed = again(run, resources, tmp_path / "killed", on_epoch=records.append)
    _, unbroken = again(run, resources, tmp_path / "unbroken")
    assert records[0]["epoch"] == 2
    assert_equal((resumed.users, resumed.items), (unbroken.users, unbroken.items))


def test_an_ensemble_trains_every_seed_and_a_best_seed_itself(scored, resources, tmp_path):
    run = scored("lightgcn", num_seeds=2, ensemble=True, epochs=4)
    result, made = again(run, resources, tmp_path / "again")
    best = [seed["best_epoch"] for seed in run.result["seeds"]]
    assert result["refit"]["epochs"] == round(np.mean(best)) + 1
    assert made.users.shape == run.model.users.shape
    assert made.about["ensemble"] == 2


def test_of_several_seeds_the_one_in_use_is_trained(scored, resources, tmp_path):
    run = scored("lightgcn", num_seeds=2, epochs=4)
    _, made = again(run, resources, tmp_path / "again")
    assert made.config["seed"] == run.model.config["seed"]
    assert made.about["best_epoch"] == run.model.about["best_epoch"]


def test_parts_of_a_pass_become_more_with_the_interactions(scored, resources, tmp_path):
    run = scored("lightgcn", epoch_steps=1, batch_size=120, epochs=6)
    result, _ = again(run, resources, tmp_path / "again")
    passes = 360 // 120, 600 // 120
    assert result["refit"]["epochs"] == -(-(run.best_epochs[0] + 1) * passes[1] // passes[0])


@pytest.mark.parametrize("model", ["ease", "rp3beta", "most_popular"])
def test_what_is_fitted_keeps_what_validation_chose(model, scored, resources, tmp_path):
    run = scored(model)
    _, made = again(run, resources, tmp_path / "again")
    config, every = config_of_refit(run), everything_trains(checkerboard())
    data = EvalData(every.train, every.n_users, every.n_items, None, None, config.eval)
    chosen, fitted = fit_closed_form(config, data)
    assert chosen == run.model.about["hyper_parameters"] == made.about["hyper_parameters"]
    expected = dict(fitted.saved)
    rows = expected.pop("users"), expected.pop("items")
    assert_equal(expected, dict(made.artifacts))
    assert_equal(rows, (made.users, made.items))


def test_what_cannot_be_trained_again(scored, resources, tmp_path):
    run = scored("lightgcn")
    again(run, resources, tmp_path / "again")
    with pytest.raises(ConfigError, match="was trained on all interactions already"):
        read_scored(tmp_path / "again")
    other = everything_trains(checkerboard())
    with pytest.raises(RunError, match="was trained on other data than checkerboard holds now"):
        check_data(run.run, other)
    with pytest.raises(RunError, match="no such run directory"):
        read_scored(tmp_path / "nowhere")
    file = tmp_path / "scored" / "config.json"
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {"warm_start": "0123"}))
    with pytest.raises(ConfigError, match="began from another run"):
        read_scored(tmp_path / "scored")
    (tmp_path / "scored" / "result.json").unlink()
    with pytest.raises(RunError, match="holds no finished run"):
        read_scored(tmp_path / "scored")


def test_walks_that_validation_weighed_are_refused(scored, tmp_path):
    run, parts = scored("lightgcn"), {"item_weights.values": np.ones(1, np.float32)}
    adding = run.model._replace(artifacts=dict(run.model.artifacts) | parts)
    write_model(adding, tmp_path / "scored" / MODEL)
    config = dict(run.stored) | {"added_score": "rp3beta"}
    (tmp_path / "scored" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="adds walks to its score"):
        read_scored(tmp_path / "scored")


def test_walks_of_another_seed_are_no_obstacle(scored, tmp_path):
    """result.json has the mean of the seeds' weights; the seed in use may add nothing."""
    run = scored("lightgcn")
    result = dict(run.result) | {"added_score": {"weight": 0.1, "selection_score_without": 0.2}}
    (tmp_path / "scored" / "result.json").write_text(json.dumps(result))
    assert read_scored(tmp_path / "scored").result == result


def test_options_are_those_of_the_run(scored):
    run = scored("lightgcn", learning_rate=0.02)
    epochs = {"epochs": run.best_epochs[0] + 1}
    assert config_of_refit(run) == changed(config_of("lightgcn", learning_rate=0.02), epochs)
