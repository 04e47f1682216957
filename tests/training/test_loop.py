import dataclasses
import json

import jax
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.config import Config
from kdiffe_jax.errors import DataError, NonFiniteLossError, RunError
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training import loop
from kdiffe_jax.training.loop import load_best, train
from kdiffe_jax.training.result import eval_data_of, finish, rescore
from launch.table import result_table


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


def run_of(path):
    return RunDirectory(path).claim({"seed": 0})


def train_in(setup, path, on_epoch=silent, log=silent):
    with run_of(path) as run:
        return train(setup, run, on_epoch=on_epoch, log=log), run


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def without_baseline_seconds(result):
    baselines = {name: found | {"seconds": 0} for name, found in result["baselines"].items()}
    return result | {"baselines": baselines}


def assert_same_run(first, second):
    jax.tree.map(np.testing.assert_array_equal, first.params, second.params)
    assert without_seconds(first.history) == without_seconds(second.history)
    assert first.best_epoch == second.best_epoch


@pytest.mark.parametrize("epochs_before", [1, 2, 4])
def test_a_killed_run_continues_bit_for_bit(make_problem, tmp_path, epochs_before):
    unbroken, _ = train_in(make_problem(), tmp_path / "unbroken")

    def kill(record):
        if record["epoch"] == epochs_before - 1:
            raise Killed

    with pytest.raises(Killed):
        train_in(make_problem(), tmp_path / "broken", on_epoch=kill)
    said = []
    continued, run = train_in(make_problem(), tmp_path / "broken", log=said.append)
    assert said == [f"resuming after epoch {epochs_before - 1}"]
    assert_same_run(unbroken, continued)
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(len(unbroken.history)))


def test_same_seed_same_run_other_seed_other_run(make_problem, tmp_path):
    first, _ = train_in(make_problem(epochs=2), tmp_path / "1")
    second, _ = train_in(make_problem(epochs=2), tmp_path / "2")
    other, _ = train_in(make_problem(epochs=2, seed=1), tmp_path / "3")
    assert_same_run(first, second)
    assert without_seconds(first.history) != without_seconds(other.history)


def test_a_damaged_checkpoint_is_set_aside_aloud(make_problem, tmp_path):
    unbroken, _ = train_in(make_problem(), tmp_path / "unbroken")
    _, run = train_in(make_problem(), tmp_path / "broken")
    latest = max(int(p.name) for p in run.checkpoints.iterdir() if p.name.isdigit())
    for file in (run.checkpoints / str(latest) / "arrays").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    said = []
    continued, _ = train_in(make_problem(), tmp_path / "broken", log=said.append)
    assert "cannot be read" in said[0] and said[1] == f"resuming after epoch {latest - 1}"
    assert_same_run(unbroken, continued)


def test_stops_when_patience_is_over_and_keeps_the_best(make_problem, tmp_path):
    trained, run = train_in(make_problem(epochs=40, patience=2), tmp_path / "run")
    scores = [record["valid"]["recall@20"] for record in trained.history]
    assert trained.best_epoch == int(np.argmax(scores))
    assert len(scores) == 40 or len(scores) - 1 - trained.best_epoch == 2
    setup = make_problem(epochs=40, patience=2)
    again = loop.score(setup, trained.view, setup.valid)
    np.testing.assert_allclose(again["recall@20"], max(scores))


def test_resuming_a_stopped_run_trains_no_more(make_problem, tmp_path):
    first, _ = train_in(make_problem(epochs=2), tmp_path / "run")
    epochs = []
    second, _ = train_in(make_problem(epochs=2), tmp_path / "run", on_epoch=epochs.append)
    assert not epochs
    assert_same_run(first, second)


def test_result_has_the_promised_keys_and_rescoring_agrees(make_problem, tmp_path):
    setup = make_problem(epochs=2)
    trained, run = train_in(setup, tmp_path / "run")
    result = finish(setup, trained, run)
    stored = json.loads((run.path / "result.json").read_text())
    assert stored == json.loads(json.dumps(result))
    for name in ("dataset", "selection", "best_epoch", "epochs", "seconds", "valid", "test"):
        assert name in stored
    for metrics in (stored["valid"], stored["test"], stored["baselines"]["most_popular"]["test"]):
        assert 0 <= metrics["recall@20"] <= 1 and 0 <= metrics["ndcg@20"] <= 1
    assert stored["cold"].keys() == {"valid", "test"}
    assert 0 < stored["beyond_accuracy"]["coverage@20"] <= 1
    assert without_baseline_seconds(rescore(setup, run, log=silent)) == (
        without_baseline_seconds(result)
    )
    per_user = np.load(run.path / "test_per_user.npz")
    np.testing.assert_allclose(per_user["recall@20"].mean(), stored["test"]["recall@20"])


def test_baselines_stand_beside_the_model_with_a_paired_test(make_problem, tmp_path):
    setup = make_problem(epochs=2)
    trained, run = train_in(setup, tmp_path / "run")
    settings = BaselineSettings(baselines="most_popular,ease", ease_memory_gb=1e-9)
    baselines = score_baselines(eval_data_of(setup), settings, cache_dir=None, log=silent)
    result = finish(setup, trained, run, baselines)
    popular, ease = result["baselines"]["most_popular"], result["baselines"]["ease"]
    assert "--ease_memory_gb" in ease["left_out"] and "per_user" not in popular
    difference = result["test"]["recall@20"] - popular["test"]["recall@20"]
    np.testing.assert_allclose(popular["paired"]["difference"], difference, atol=1e-6)
    assert popular["paired"]["users"] == result["users_scored"]["test"]


def test_a_run_without_epochs_cannot_be_scored(make_problem, tmp_path):
    with run_of(tmp_path / "run") as run, pytest.raises(RunError, match="no epoch"):
        load_best(make_problem(), run, log=silent)


def test_non_finite_loss_names_term_and_step_and_keeps_the_checkpoint(make_problem, tmp_path):
    setup = make_problem()

    def kill(record):
        if record["epoch"] == 1:
            raise Killed

    with pytest.raises(Killed):
        train_in(setup, tmp_path / "run", on_epoch=kill)
    to_users = setup.graphs.laplacian.to_users
    broken = to_users._replace(values=to_users.values.at[0].set(np.nan))
    graphs = setup.graphs._replace(laplacian=setup.graphs.laplacian._replace(to_users=broken))
    with pytest.raises(NonFiniteLossError, match=r"epoch 2, step 0"):
        train_in(setup._replace(graphs=graphs), tmp_path / "run")
    kept = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert "1" in kept and "2" not in kept


def test_the_test_split_is_not_looked_at_while_training(make_problem, tmp_path):
    setup = make_problem(epochs=2)
    trained, _ = train_in(setup._replace(test=None), tmp_path / "run")
    assert "test" not in trained.history[0]


def test_selection_on_test_is_recorded(make_problem, tmp_path):
    trained, _ = train_in(make_problem(epochs=2, selection="test"), tmp_path / "run")
    assert {"valid", "test"} <= trained.history[0].keys()


def test_empty_split_is_refused(make_problem, planted):
    with pytest.raises(DataError, match="valid split is empty"):
        make_problem(dataset=dataclasses.replace(planted, valid=planted.valid[:0]))


def test_no_knowledge_graph_still_trains(make_problem, planted, tmp_path):
    bare = dataclasses.replace(
        planted,
        triples=planted.triples[:0],
        relevant=None,
        relation_names=(),
        n_entities=0,
        entity_names=(),
    )
    trained, _ = train_in(make_problem(dataset=bare, epochs=2), tmp_path / "run")
    assert np.isfinite(trained.history[-1]["loss"])


def test_a_run_that_does_not_score_the_test_split_holds_nothing_of_it(make_problem, tmp_path):
    setup = make_problem(epochs=2, score_test=False)
    trained, run = train_in(setup, tmp_path / "run")
    result = finish(setup, trained, run)
    assert "test" not in result and result["baselines"] == {} and "cold" not in result
    assert not (run.path / "model.npz").exists() and "validation" in result_table(result)
    assert not (run.path / "test_per_user.npz").exists()
    assert "test" not in (run.path / "metrics.jsonl").read_text()


def test_the_earliest_of_equal_epochs_is_the_best_and_patience_counts_from_it():
    scores = enumerate((0.1, 0.3, 0.3, 0.2))
    history = [{"epoch": epoch, "valid": {"recall@20": score}} for epoch, score in scores]
    config = Config.from_flat({"patience": 2})
    assert loop.best_epoch(history, config) == 1
    assert not loop.out_of_patience(history[:3], config)
    assert loop.out_of_patience(history, config)
