"""MLflow, by a stand-in: every epoch once in one run, whatever happens."""

import json
import sys

import pytest

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.trackers.mlflow import IDS, Mlflow
from tests.trackers import stand_ins
from tests.trackers.told import CONFIG, RESULT, train, write_history


@pytest.fixture
def server(monkeypatch):
    found = stand_ins.Mlflow()
    monkeypatch.setitem(sys.modules, "mlflow", found)
    return found


def tracked(run_dir, experiment="shop", config=CONFIG):
    return Mlflow(run_dir, config, "mine", experiment=experiment)


def steps(run, name):
    return [step for logged, step, _ in run["logged"] if logged == name]


def test_a_resumed_run_goes_on_in_the_same_run_with_every_epoch_once(server, run_dir):
    config = CONFIG | {f"option_{place}": place for place in range(120)}
    with pytest.raises(KeyboardInterrupt), tracked(run_dir, config=config) as tracker:
        train(tracker, run_dir, range(2))
        raise KeyboardInterrupt
    (run,) = server.runs.values()
    assert run["status"] == "FAILED" and run["params"] == config
    write_history(run_dir, 3)  # the third epoch ended just before the process was killed
    with tracked(run_dir, config=config) as tracker:
        train(tracker, run_dir, range(3, 5))
        tracker.on_result(RESULT)
    assert list(server.runs.values()) == [run] and run["status"] == "FINISHED"
    assert (run["name"], run["experiment"]) == ("mine", "shop")
    assert steps(run, "losses/bpr") == steps(run, "epoch") == [*range(5)]
    assert ("valid/recall_at_20", 1, 0.1) in run["logged"]
    assert not any("ndcg" in name for name, *_ in run["logged"])  # not a number
    assert ("best/test/recall_at_20", 1, 0.125) in run["logged"]


def test_the_same_command_on_a_finished_run_logs_nothing_twice(server, run_dir):
    write_history(run_dir, 2)
    for _ in range(2):
        with tracked(run_dir) as tracker:
            tracker.on_result(RESULT)
    (run,) = server.runs.values()
    assert steps(run, "epoch") == [0, 1] and steps(run, "best_epoch") == [1]


def test_seeds_are_told_apart_by_a_prefix(server, run_dir):
    with tracked(run_dir) as tracker:
        for seed in (9, 10):
            train(tracker, run_dir, range(2), seed)
        seeds = [{"seed": seed, **RESULT} for seed in (9, 10)]
        tracker.on_result({**RESULT, "best_epoch": 1.5, "seeds": seeds})
    (run,) = server.runs.values()
    for seed in (9, 10):
        assert steps(run, f"seed{seed}/valid/recall_at_20") == [0, 1]
        assert steps(run, f"seed{seed}/best/test/recall_at_20") == [1]
    assert ("best_epoch", 1, 1.5) in run["logged"] and not steps(run, "valid/recall_at_20")


def test_another_experiment_has_a_run_of_its_own(server, run_dir):
    write_history(run_dir, 1)
    for experiment in ("shop", "other", "shop"):
        with tracked(run_dir, experiment):
            pass
    assert [run["experiment"] for run in server.runs.values()] == ["shop", "other"]
    assert all(steps(run, "epoch") == [0] for run in server.runs.values())


def test_a_server_that_is_away_gets_the_epochs_when_it_is_back(server, run_dir, capsys):
    with tracked(run_dir) as tracker:
        train(tracker, run_dir, range(1))
        server.away = True
        train(tracker, run_dir, range(1, 3))
        said = capsys.readouterr().out.splitlines()
        server.away = False
        train(tracker, run_dir, range(3, 4))
    assert said == ["Mlflow: not logged, tried again later: no answer"] * 2
    (run,) = server.runs.values()
    assert steps(run, "epoch") == [0, 1, 2, 3]


def test_a_run_that_is_no_longer_there_is_one_line(server, run_dir):
    (run_dir / IDS).write_text(json.dumps({"shop": "gone"}))
    with pytest.raises(RunError, match=r"^--mlflow=shop: Run 'gone' not found; .*mlflow\.json"):
        with tracked(run_dir):
            pass


@pytest.mark.parametrize("content", ("{", "[]", '{"shop": 3}'))
def test_damaged_ids_are_one_line(server, run_dir, content):
    (run_dir / IDS).write_text(content)
    with pytest.raises(RunError, match="not readable.*remove it"), tracked(run_dir):
        pass
    assert not server.runs


def test_without_the_library(run_dir, absent):
    absent("mlflow")
    with pytest.raises(ConfigError, match=r"pip install 'kdiffe_jax\[mlflow\]'$"):
        tracked(run_dir)
