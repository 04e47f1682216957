"""Sweeps from a file to a table: complete, pruned, diverged, broken off and taken up again."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import RunError
from kdiffe_jax.models.registry import MODELS, OF_CONTENT, make_config, model_class, preset
from launch import flags, jobs, sweep
from launch.command import DIVERGED
from launch.parsing import parse
from tests.launch.fake_runs import FakeRuns

OWN_GRID = None  # no file
GRID = 'method = "grid"\n[parameters]\nlearning_rate = [1e-4, 1e-2, 1e-3]\nlayers = [1, 2]\n'
TPE = (
    'method = "tpe"\ntrials = 12\n[parameters]\n'
    "learning_rate = {low = 1e-4, high = 1e-1, log = true}\n"
)
PRUNED = TPE + "[pruning]\nafter_trials = 3\nafter_epochs = 2\n"


def score(config):
    away = abs(math.log10(config.train.learning_rate) + 2)
    return 0.5 - away / 10 + config.options.layers / 100


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command in an empty directory: a file's text, arguments -> exit status."""
    monkeypatch.chdir(tmp_path)

    def run(text, *arguments):
        if text is not OWN_GRID:
            (tmp_path / "what.toml").write_text(text)
            arguments = ["--sweep=what.toml", *arguments]
        return sweep.main(["sweep", "--out=out", *arguments], absl_flags.FlagValues())

    return run


def test_a_grid_from_file_to_files(command, monkeypatch, tmp_path, capsys):
    runs = FakeRuns(monkeypatch, score)
    assert command(GRID, "--xi=0.5") == 0
    printed = capsys.readouterr().out
    assert len(runs.started) == 6
    assert "| 3 | 0.01 | 2 | 0.5200 | 3 | done |" in printed
    train = printed[printed.index("python -m launch.main") :].split()
    assert train[3] == "--flagfile=out/best.flags" and "--xi=0.5" in train
    assert (tmp_path / "out" / "table.md").read_text() in printed + "\n"
    lines = (tmp_path / "out" / "trials.csv").read_text().splitlines()
    assert lines[0] == "trial,learning_rate,layers,valid_recall@20,epochs,state" and len(lines) == 7
    best = (tmp_path / "out" / "best.flags").read_text().splitlines()
    assert best[1:] == ["--model=kdiffe", "--learning_rate=0.01", "--layers=2"]
    assert (tmp_path / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
    config = json.loads((tmp_path / "out" / "trial-0003" / "config.json").read_text())
    assert (config["xi"], config["learning_rate"], config["score_test"]) == (0.5, 0.01, False)
    assert "test" not in json.loads((tmp_path / "out" / "trial-0003" / "result.json").read_text())


def test_a_finished_sweep_is_not_run_again_and_another_is_refused(command, monkeypatch, capsys):
    runs = FakeRuns(monkeypatch, score)
    assert command(GRID) == command(GRID) == 0
    assert len(runs.started) == 6
    capsys.readouterr()
    assert command(GRID, "--xi=0.1") == 2
    assert "xi (0.0 there, 0.1 now)" in capsys.readouterr().err
    assert command(TPE) == 2
    error = capsys.readouterr().err
    assert "another configuration" in error and "--out" in error and error.count("\n") == 1


def test_a_sweep_of_other_data_is_refused(command, monkeypatch, tmp_path, capsys):
    runs = FakeRuns(monkeypatch, score)
    named = ("--dataset=shop", "--data_dir=shop")
    write_prepared(planted_dataset(PlantedSizes(users=40, items=60)), tmp_path / "shop")
    assert command(GRID, *named) == 0
    shutil.rmtree(tmp_path / "shop")
    write_prepared(planted_dataset(PlantedSizes(users=41, items=60)), tmp_path / "shop")
    capsys.readouterr()
    assert command(GRID, *named) == 2
    assert "another configuration: the data" in capsys.readouterr().err and len(runs.started) == 6


@pytest.mark.parametrize("parallel", (1, 3))
def test_pruned_trials_end_early_and_are_told(command, monkeypatch, tmp_path, parallel):
    pytest.importorskip("optuna")
    FakeRuns(monkeypatch, score)
    assert command(PRUNED, f"--parallel={parallel}") == 0
    trials = json.loads((tmp_path / "out" / "trials.json").read_text())
    assert len(trials) == 12
    done = [max(t["curve"]) for t in trials if t["state"] == "done"]
    pruned = [t["curve"] for t in trials if t["state"] == "pruned"]
    assert len(done) >= 3 and pruned and all(len(curve) == 2 for curve in pruned)


def test_a_search_killed_between_trials_goes_on_as_if_it_had_not(command, monkeypatch, tmp_path):
    pytest.importorskip("optuna")
    FakeRuns(monkeypatch, score)
    assert command(TPE) == 0
    unbroken = (tmp_path / "out" / "trials.json").read_text()
    (tmp_path / "out").rename(tmp_path / "unbroken")

    def killed(job):
        raise KeyboardInterrupt

    broken = FakeRuns(monkeypatch, score, fails=lambda j: killed(j) if j.name[-1] == "5" else 0)
    assert command(TPE) == 130
    assert len(broken.started) == 6
    again = FakeRuns(monkeypatch, score)
    assert command(TPE) == 0
    assert again.started == [f"trial-{n:04d}" for n in range(5, 12)]
    assert (tmp_path / "out" / "trials.json").read_text() == unbroken


def test_a_diverged_trial_is_noted_and_a_failed_one_stops_the_sweep(command, monkeypatch, capsys):
    FakeRuns(monkeypatch, score, fails=lambda job: DIVERGED if job.name[-1] == "1" else 0)
    assert command(GRID) == 0
    assert "| 1 | 0.0001 | 2 | - | 0 | diverged |" in capsys.readouterr().out
    FakeRuns(monkeypatch, score, fails=lambda job: 2)
    assert command(GRID, "--out=other") == 2
    error = capsys.readouterr().err
    assert error == "error: trial-0000: ended with status 2: the disk is full\n"


def test_another_model(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    assert command(GRID, "--model=lightgcn", "--dim=8") == 0
    config = json.loads((tmp_path / "out" / "trial-0003" / "config.json").read_text())
    assert (config["model"], config["dim"], config["layers"]) == ("lightgcn", 8, 2)
    assert "--model=lightgcn" in (tmp_path / "out" / "best.flags").read_text().splitlines()


def test_a_model_that_is_fitted_has_one_score_a_trial(command, monkeypatch, capsys):
    FakeRuns(monkeypatch, lambda config: config.options.regularisation / 1000)
    text = 'method = "grid"\n[parameters]\nregularisation = [10.0, 300.0]\n'
    assert command(text, "--model=ease", "--notuned") == 0
    assert "| 1 | 300 | 0.3000 | 1 | done |" in capsys.readouterr().out


def test_a_run_is_started_with_the_flags_of_its_model():
    config = make_config({"model": "ease", "tuned": False, "regularisation": 30.0})
    assert jobs.option_flags(config) == ["--model=ease", "--tuned=False", "--regularisation=30.0"]


@pytest.mark.parametrize("model", MODELS)
def test_a_run_has_the_configuration_that_it_is_started_with(model):
    presets = [{}, *model_class(model).presets.values()]
    for config in (make_config({"model": model, **values}) for values in presets):
        values, words = absl_flags.FlagValues(), ["main", *jobs.option_flags(config)]
        flags.define(words, values)
        parse(words, values)
        assert flags.config(values) == flags.config(values, content=False) == config
    plain = make_config({"model": model, **preset(flags.DEFAULT_PRESET, model)})
    names = [word.lstrip("-").partition("=")[0] for word in jobs.option_flags(plain)]
    assert names[0] == "model" and set(names[1:]) <= set(OF_CONTENT)


def test_what_is_given_is_left_out_of_the_models_own_grid(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    assert command(OWN_GRID, "--model=lightgcn", "--layers=1") == 0
    trials = [json.loads(file.read_text()) for file in tmp_path.glob("out/trial-*/config.json")]
    assert len(trials) == 3 and {trial["layers"] for trial in trials} == {1}


def test_what_a_variant_sets_is_not_varied(command, monkeypatch, tmp_path, capsys):
    FakeRuns(monkeypatch, score)
    text = 'method = "grid"\n[parameters]\ntheta_1 = [0.01, 0.1]\n'
    assert command(text, "--variant=kdiffe_3") == 2
    said = "parameters.theta_1: --variant=kdiffe_3 sets it; leave one out"
    assert said in capsys.readouterr().err
    assert command(OWN_GRID, "--variant=kdiffe_3") == 0
    trials = [json.loads(file.read_text()) for file in tmp_path.glob("out/trial-*/config.json")]
    assert len(trials) > 1 and {trial["theta_1"] for trial in trials} == {0.0}
    assert len({trial["temperature"] for trial in trials}) == 1


def test_all_diverged(command, monkeypatch, tmp_path, capsys):
    FakeRuns(monkeypatch, score, fails=lambda job: DIVERGED)
    assert command(GRID) == 2
    assert "no trial came to a score" in capsys.readouterr().err
    assert not (tmp_path / "out" / "best.flags").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--selection=test",), "chooses on validation"),
        (("--workdir=x",), "--out"),
        (("--mesh=data:1",), "--mesh is for one run; a sweep has many"),
        (("--mode=evaluate",), "--mode is for one run"),
        (("--num_seeds=2",), "seed among its parameters"),
        (("--sweep=none.toml",), "none.toml"),
        (("--selection_metric=recall@7",), "selection_metric = 'recall@7'"),
        (("--baselines=ease",), "--baselines: a sweep scores none"),
        (("--data_ablation=nope",), "data_ablation = 'nope': choose none, shuffled"),
        (("--kg_source=features",), "--kg_source=features, but there is no *_feat.npy"),
        (("--parallel=0",), "parallel"),
        (("--epochs=0",), "epochs"),
    ],
)
def test_refusals(command, capsys, tmp_path, arguments, word):
    assert command(GRID, *arguments) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["what.toml"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--model=rp3beta",), "rp3beta has no grid of its own; --sweep=FILE"),
        (
            ("--model=lightgcn", "--layers=1", "--weight_decay=0.1"),
            "layers, weight_decay: all that the grid of lightgcn varies is given",
        ),
    ],
)
def test_refusals_without_a_file(command, capsys, tmp_path, arguments, word):
    assert command(OWN_GRID, *arguments) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


def test_a_finished_run_of_another_configuration_is_not_taken(monkeypatch, tmp_path):
    job = jobs.Job("a", tmp_path / "a", make_config())
    FakeRuns(monkeypatch, score).write(job)
    assert jobs.finished_result(job)["best_epoch"] == 2
    with pytest.raises(RunError, match="another xi"):
        jobs.finished_result(job._replace(config=make_config({"xi": 0.1})))


TINY = (
    "--planted_users=80 --planted_items=60 --planted_topics=4 --planted_interactions_per_user=8 "
    "--dim=8 --batch_size=64 --denoiser_width=16 --walk_length=5 --walks_per_node=2 "
    "--timesteps=3 --epochs=25 --patience=25"
).split()


@pytest.mark.thorough
def test_a_real_sweep_killed_in_a_trial_ends_its_run_and_goes_on(tmp_path):
    (tmp_path / "a.toml").write_text('method = "grid"\n[parameters]\nlearning_rate = [0.01]\n')
    command = [sys.executable, "-m", "launch.sweep", f"--sweep={tmp_path / 'a.toml'}", *TINY]
    command.append(f"--out={tmp_path / 'out'}")
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "KDIFFE_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    metrics = tmp_path / "out" / "trial-0000" / "metrics.jsonl"
    deadline = time.monotonic() + 200
    while not (metrics.exists() and len(metrics.read_text().splitlines()) > 1):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1.0)
    epochs = len(metrics.read_text().splitlines())
    time.sleep(0.5)
    assert len(metrics.read_text().splitlines()) == epochs < 25, "the run outlived its sweep"

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "| 0 | 0.01 |" in done.stdout and "| 25 | done |" in done.stdout
    log = (tmp_path / "out" / "trial-0000.log").read_text()
    assert "resuming after epoch" in log
    assert not (tmp_path / "out" / "trial-0000" / "checkpoints").exists()
