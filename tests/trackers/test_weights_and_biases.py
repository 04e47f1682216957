"""Weights & Biases, by a stand-in: every epoch once in one run, whatever happens."""

import fnmatch
import sys

import pytest

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.trackers.weights_and_biases import WeightsAndBiases
from tests.trackers import stand_ins
from tests.trackers.told import CONFIG, RESULT, train, write_history


@pytest.fixture
def server(monkeypatch):
    found = stand_ins.WeightsAndBiases()
    monkeypatch.setitem(sys.modules, "wandb", found)
    return found


def tracked(run_dir, project="shop"):
    return WeightsAndBiases(run_dir, CONFIG, "mine", project=project)


def epochs(run, prefix=""):
    return [figures[f"{prefix}epoch"] for figures in run.logged if f"{prefix}epoch" in figures]


def test_a_resumed_run_goes_on_in_the_same_run_with_every_epoch_once(server, run_dir):
    with pytest.raises(KeyboardInterrupt), tracked(run_dir) as tracker:
        train(tracker, run_dir, range(2))
        raise KeyboardInterrupt
    (run,) = server.runs
    assert run.exit_code == 1
    write_history(run_dir, 3)
    with tracked(run_dir) as tracker:
        train(tracker, run_dir, range(3, 5))
        tracker.on_result(RESULT)
    assert server.runs == [run] and run.exit_code == 0
    assert epochs(run) == [*range(5)]
    assert run.logged[1] == {
        "epoch": 1, "seconds": 0.5, "losses/bpr": 0.5, "valid/recall_at_20": 0.1,
    }  # fmt: skip
    assert run.summary["best/test/recall_at_20"] == 0.125 and run.summary["best_epoch"] == 1
    begun = run.begun
    assert (begun["project"], begun["name"], begun["config"]) == ("shop", "mine", CONFIG)
    assert begun["dir"] == str(run_dir)


def test_offline_each_process_leaves_the_whole_history(server, run_dir):
    server.offline = True
    for part in (range(2), range(2, 4)):
        with tracked(run_dir) as tracker:
            train(tracker, run_dir, part)
    first, second = server.runs
    assert first.begun["id"] == second.begun["id"]
    assert (epochs(first), epochs(second)) == ([0, 1], [0, 1, 2, 3])


def test_seeds_are_told_apart_by_a_prefix_and_drawn_by_their_own_epochs(server, run_dir):
    with tracked(run_dir) as tracker:
        for seed in (9, 10):
            train(tracker, run_dir, range(2), seed)
        seeds = [{"seed": seed, **RESULT} for seed in (9, 10)]
        tracker.on_result({**RESULT, "best_epoch": 1.5, "seeds": seeds})
    (run,) = server.runs
    for prefix in ("seed9/", "seed10/"):
        assert epochs(run, prefix) == [0, 1]
        axes = [run.axes[p] for p in run.axes if fnmatch.fnmatch(f"{prefix}losses/bpr", p)]
        assert axes == [f"{prefix}epoch"]
        assert run.summary[f"{prefix}best/test/recall_at_20"] == 0.125
    assert run.summary["best_epoch"] == 1.5


def test_another_project_has_a_run_of_its_own(server, run_dir):
    for project in ("shop", "other", "shop"):
        with tracked(run_dir, project):
            pass
    assert [run.begun["project"] for run in server.runs] == ["shop", "other"]


def test_what_the_library_refuses_is_one_line(server, run_dir):
    server.refuses = True
    with pytest.raises(RunError, match=r"^--wandb=shop: No API key configured\. Use `wandb login`"):
        with tracked(run_dir):
            pass


def test_without_the_library(run_dir, absent):
    absent("wandb")
    with pytest.raises(ConfigError, match=r"pip install 'kdiffe_jax\[wandb\]'$"):
        tracked(run_dir)
