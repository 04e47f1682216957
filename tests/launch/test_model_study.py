"""`--study=models`: what runs, what is chosen, what is left out, and that it goes on."""

import json
from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.models.registry import make_config, model_class
from launch import study
from launch.command import DIVERGED
from launch.jobs import Job
from launch.model_study import _data_words, _repeating
from tests.launch.fake_runs import FakeRuns, FakeWorker
from tests.launch.started import DATA as SMALL

DATA = [word for word in SMALL if not word.startswith("--preset")]
TINY = [*DATA, "--dim=8", "--batch_size=64", "--epochs=1", "--kg_source=none"]
SEEDS = ("--tuning_seeds=2", "--seeds=2")
FILES = ("table.md", "table.tex", "runs.csv", "page.html", "figure.png")


def score(config):
    """Validation of the tuning seeds prefers two layers; the reported seeds prefer three."""
    layers, tunes = config.to_flat().get("layers", 0), config.train.seed >= 1000
    best = layers == (2 if tunes else 3)
    return 0.2 + 0.1 * best + 0.01 * config.to_flat().get("weight_decay", 0)


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command in an empty directory: arguments -> exit status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDIFFE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(model_class("lightgcn"), "grid", {"layers": (2, 3)})

    def run(*arguments):
        words = ["study", "--study=models", *DATA, "--out=out", *arguments]
        return study.main(words, absl_flags.FlagValues())

    return run


def read(path):
    return json.loads(path.read_text())


def test_validation_of_the_tuning_seeds_chooses(command, monkeypatch, tmp_path, capsys):
    fake = FakeRuns(monkeypatch, score)
    assert command("--models=lightgcn", "--baselines=most_popular", *SEEDS) == 0
    printed = capsys.readouterr().out
    assert len(fake.started) == len(set(fake.started)) == 1 + 2 * (2 * 2 + 2)
    assert len(FakeWorker.made) == len(fake.started), "a run's cost is that of a fresh process"
    out = tmp_path / "out"
    for column in ("published", "ours"):
        for seed in (0, 1):
            config = read(out / "lightgcn" / column / f"seed{seed}" / "config.json")
            assert (config["layers"], config["seed"], config["score_test"]) == (2, seed, True)
        assert f"lightgcn, {column}: layers 2, validation recall@20 0.3" in printed
    tuned = sorted(out.glob("lightgcn/*/tune*/seed*/result.json"))
    assert len(tuned) == 8 and not any("test" in read(file) for file in tuned)
    assert {file.parent.name for file in tuned} == {"seed1000", "seed1001"}
    assert all((out / name).stat().st_size for name in FILES)
    table = (out / "table.md").read_text()
    assert table in printed and "| lightgcn, ours | 2 | layers 2 | `python -m launch.main" in table
    assert len((out / "runs.csv").read_text().splitlines()) == 1 + len(fake.started)


@pytest.mark.parametrize("parallel", [1, 3])
def test_finished_runs_are_not_repeated_and_seeds_and_models_can_be_added(
    command, monkeypatch, parallel
):
    def first_time(job):
        return 1 if job.name == "lightgcn, published, seed 1" else 0

    words = ("--models=lightgcn", "--columns=published", f"--parallel={parallel}")
    words = (*words, "--tuning_seeds=2", "--baselines=most_popular")
    broken = FakeRuns(monkeypatch, score, fails=first_time)
    assert command(*words, "--seeds=2") == 2
    fake = FakeRuns(monkeypatch, score)
    assert command(*words, "--seeds=2") == 0
    done = set(broken.started) - {"lightgcn, published, seed 1"}
    assert not done & set(fake.started) and "lightgcn, published, seed 1" in fake.started
    again = FakeRuns(monkeypatch, score)
    assert command(*words, "--seeds=3") == 0
    assert again.started == ["lightgcn, published, seed 2"]
    more = FakeRuns(monkeypatch, score)
    assert command(*words, "--seeds=3", "--models=lightgcn,ease") == 0
    assert more.started == ["ease"]


def test_with_one_point_nothing_is_tuned(command, monkeypatch, tmp_path):
    fake = FakeRuns(monkeypatch, score)
    words = ("--models=lightgcn", "--baselines=none", "--seeds=1", "--columns=published")
    assert command(*words, "--points=1") == 0
    assert fake.started == ["lightgcn, published, seed 0"]
    config = read(tmp_path / "out" / "lightgcn" / "published" / "seed0" / "config.json")
    assert config["layers"] == 3, "the preset's own"


def test_a_command_that_repeats_a_row_names_the_data(tmp_path):
    given = {
        "--data_dir=/far/shop": ["--dataset=shop"],
        "--data_dir=near/shop": ["--data_dir=near/shop"],
        "--dataset=shop": ["--dataset=shop"],
    }
    for word, expected in given.items():
        values, words = absl_flags.FlagValues(), ["study", word, "--cache_dir=/far/cache"]
        study.define(words, values)
        values(words)
        assert _data_words(values) == expected


def test_a_command_that_repeats_a_row_has_the_seeds_of_the_row():
    def words(*seeds):
        made = [make_config({"model": "lightgcn", "seed": seed}) for seed in seeds]
        return _repeating([Job("", Path(), config) for config in made], ["--dataset=my shop"])

    together = words(1, 0, 2)
    assert together.endswith("'--dataset=my shop' --num_seeds=3") and "--seed=" not in together
    first, second = words(2, 0).split("; ")
    assert "--seed=2" in second and "--seed=" not in first and "--num_seeds" not in first + second


def test_other_tuning_or_data_is_refused_in_the_same_directory(command, monkeypatch, capsys):
    FakeRuns(monkeypatch, score)
    words = ("--models=lightgcn", "--columns=ours", "--baselines=none", "--seeds=1")
    assert command(*words, "--tuning_seeds=1") == 0
    for other in ("--tuning_seeds=2", "--points=1", "--planted_seed=1", "--epochs=3"):
        assert command(*words, "--tuning_seeds=1", other) == 2
        assert other[2:].partition("=")[0] in capsys.readouterr().err


def test_what_diverges_is_left_out_and_named(command, monkeypatch, tmp_path):
    def fails(job):
        flat = job.config.to_flat()
        alone = flat["model"] == "lightgcn" and flat["layers"] == 2
        return DIVERGED if alone or flat["ranking_loss"] == "softmax" else 0

    FakeRuns(monkeypatch, score, fails)
    assert command("--models=lightgcn", "--baselines=most_popular", *SEEDS) == 0
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| lightgcn, published | 2 | layers 3 |" in table
    assert "lightgcn, ours: left out: a loss is not finite at every point" in table


def test_tiny_models_run_and_one_that_the_data_refuse_is_named(command, tmp_path, capsys):
    words = ("--models=lightgcn,diffkg", "--columns=published", "--baselines=most_popular")
    assert command(*TINY, *words, "--tuning_seeds=1", "--seeds=2") == 0
    out = tmp_path / "out"
    table = (out / "table.md").read_text()
    assert "diffkg, published: left out: synthetic: has no triples" in table
    assert not (out / "diffkg").exists()
    for seed in (0, 1):
        result = read(out / "lightgcn" / "published" / f"seed{seed}" / "result.json")
        assert result["parameters"] == (60 + 48) * 8 and result["cpu_seconds"] > 0
    (tuned, _) = sorted((out / "lightgcn" / "published").glob("tune*/seed1000"))
    assert not (tuned / "test_per_user.npz").exists() and not (tuned / "checkpoints").exists()
    assert "test" not in read(tuned / "result.json")
    row = next(line for line in table.splitlines() if line.startswith("| lightgcn, published | 0"))
    assert "| 864 |" in row and "±" in row
    capsys.readouterr()
    before = {file: file.stat().st_mtime_ns for file in out.glob("*/*/**/result.json")}
    assert command(*TINY, *words, "--tuning_seeds=1", "--seeds=2") == 0
    assert {file: file.stat().st_mtime_ns for file in out.glob("*/*/**/result.json")} == before
    assert table in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--models=lightgnc",), "lightgcn"),
        (("--columns=theirs",), "choose among published, ours"),
        (("--model=lightgcn",), "--models=NAME,NAME"),
        (("--preset=paper",), "--columns says which"),
        (("--xi=0.1",), "--xi is an option of kdiffe"),
        (("--selection=test",), "chooses on validation"),
        (("--score_test=false",), "scores the test split of what it reports"),
        (("--num_seeds=2",), "--seeds"),
        (("--dim=0",), "dim"),
        (("--selection_metric=luck",), "luck"),
        (("--study=main", "--models=lightgcn"), "--models is for --study=models"),
        (("--models=ease", "--baselines=none", "--model_memory_gb=1e-9"), "no model can run"),
    ],
)
def test_refusals(command, capsys, tmp_path, arguments, word):
    assert command(*arguments) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1
    assert not list(tmp_path.glob("out/*/"))
