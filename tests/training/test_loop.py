import json

import numpy as np
import pytest

from kdiffe_jax.errors import NonFiniteLossError, RunError
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.training import loop
from kdiffe_jax.training.loop import compile_setup, load_best, train
from kdiffe_jax.training.selection import best_epoch, out_of_patience
from tests.small_setups import (
    Killed,
    assert_same_run,
    claimed,
    compiled_of,
    killing,
    silent,
    small_setup,
    train_in,
    without_seconds,
)


@pytest.fixture(scope="module")
def setup():
    return small_setup("lightgcn")


@pytest.fixture(scope="module")
def unbroken(setup, tmp_path_factory):
    return train_in(setup, tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize("epochs_before", [1, 4])
def test_a_killed_run_says_where_it_continues_and_has_the_history_of_all(
    setup, unbroken, tmp_path, epochs_before
):
    with pytest.raises(Killed):
        train_in(setup, tmp_path, on_epoch=killing(epochs_before - 1))
    told = []
    continued, run = train_in(setup, tmp_path, log=told.append)
    assert told == [f"resuming after epoch {epochs_before - 1}"]
    assert_same_run(unbroken[0], continued)
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(len(continued.history)))


def test_same_seed_same_run_other_seed_other_run(setup, unbroken, tmp_path):
    again, _ = train_in(setup, tmp_path / "again")
    other, _ = train_in(small_setup("lightgcn", seed=1), tmp_path / "other")
    assert_same_run(unbroken[0], again)
    assert without_seconds(again.history) != without_seconds(other.history)


def test_a_damaged_checkpoint_is_set_aside_aloud(setup, unbroken, tmp_path):
    _, run = train_in(setup, tmp_path)
    latest = max(int(p.name) for p in run.checkpoints.iterdir() if p.name.isdigit())
    for file in (run.checkpoints / str(latest) / "arrays").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    told = []
    continued, _ = train_in(setup, tmp_path, log=told.append)
    assert "cannot be read" in told[0] and told[1] == f"resuming after epoch {latest - 1}"
    assert_same_run(unbroken[0], continued)


def test_stops_when_patience_is_over_and_keeps_the_best(tmp_path):
    setup = small_setup("lightgcn", epochs=60, patience=2)
    trained, _ = train_in(setup, tmp_path)
    scores = [record["valid"]["recall@20"] for record in trained.history]
    assert trained.best_epoch == int(np.argmax(scores))
    assert len(scores) - 1 - trained.best_epoch == 2 and len(scores) < 60
    again = loop.score(setup, trained.view, setup.valid)
    np.testing.assert_allclose(again["recall@20"], max(scores))


def test_resuming_a_stopped_run_trains_no_more(setup, unbroken):
    epochs = []
    second, _ = train_in(setup, unbroken[1].path, on_epoch=epochs.append)
    assert not epochs
    assert_same_run(unbroken[0], second)


@pytest.mark.parametrize("model", ["lightgcn", pytest.param("kdiffe", marks=pytest.mark.thorough)])
def test_a_resumed_run_compiles_nothing_that_the_run_before_it_had(model, tmp_path):
    compiled = compile_setup(small_setup(model, epochs=1))
    for epochs in (1, 3):
        setup = small_setup(model, epochs=epochs)
        with claimed(tmp_path / "run") as run:
            train(setup, run, on_epoch=silent, log=silent, compiled=compiled)
        functions = (compiled.epoch, compiled.refresh, compiled.view)
        assert [function._cache_size() for function in functions] == [1, 1, 1]


def test_a_run_without_epochs_cannot_be_loaded(setup, tmp_path):
    with claimed(tmp_path / "run") as run, pytest.raises(RunError, match="no epoch"):
        load_best(setup, run, log=silent, compiled=compiled_of(setup))


def test_non_finite_loss_names_term_and_step_and_keeps_the_checkpoint(setup, tmp_path):
    with pytest.raises(Killed):
        train_in(setup, tmp_path, on_epoch=killing(1))
    laplacian = setup.inputs.laplacian
    values = laplacian.to_users.values.at[0].set(np.nan)
    broken = laplacian._replace(to_users=laplacian.to_users._replace(values=values))
    inputs = setup.inputs._replace(laplacian=broken)
    with pytest.raises(NonFiniteLossError, match=r"loss term bpr .* epoch 2 of seed 0, step 0"):
        train_in(setup._replace(inputs=inputs), tmp_path)
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert "1" in kept and "2" not in kept


def test_the_test_split_is_not_looked_at_unless_it_selects(setup, tmp_path):
    trained, _ = train_in(setup._replace(test=None), tmp_path / "run")
    assert "test" not in trained.history[0]
    selecting = small_setup("lightgcn", epochs=1, selection="test")
    trained, _ = train_in(selecting, tmp_path / "selecting")
    assert {"valid", "test"} <= trained.history[0].keys()


def test_the_earliest_of_equal_epochs_is_the_best_and_patience_counts_from_it():
    scores = enumerate((0.1, 0.3, 0.3, 0.2))
    history = [{"epoch": epoch, "valid": {"recall@20": score}} for epoch, score in scores]
    config = make_config({"patience": 2})
    assert best_epoch(history, config) == 1
    assert not out_of_patience(history[:3], config)
    assert out_of_patience(history, config)
