"""A mistake on the command line: status 2, one line on stderr, nothing on disk."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.data.share import Share
from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.errors import RunError
from launch import flags, one_run, sweep
from launch import main as command
from tests.small_model import SIZES

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("elsewhere")


def refusal(capsys, *arguments) -> str:
    assert command.main(["main", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.endswith("\n") and captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def loads_nothing(**share):
    pytest.fail("data were loaded before the flags were checked")


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("--no_such_flag=1", "no_such_flag"),
        ("--flagfile=absent.flags", "--flagfile=absent.flags: No such file or directory\n"),
        ("--flagfile=launch/tiktok.flag", "did you mean launch/tiktok.flags?"),
        ("--epochs=ten", "flag --epochs=ten: expected a whole number\n"),
        ("--learning_rate=fast", "flag --learning_rate=fast: expected a number\n"),
        ("--epochs=0", "epochs = 0: must be at least 1"),
        ("--temperature=0", "temperature"),
        ("--noise_scale=-0.1", "noise_scale"),
        ("--noise_min=0.5", "noise_min = 0.5, noise_max = 0.02"),
        ("--noise_scale=50", "must stay below 1"),
        ("--sampling_steps=5", "sampling_steps"),
        ("--guidance=perhaps", "flag --guidance=perhaps: expected true or false\n"),
        ("--data_dir=", "--data_dir= is empty; give a value, or leave it out"),
        ("--cache_dir=", "--cache_dir= is empty"),
        ("--rebuild_from=some", "rebuild_from"),
        ("--mode=serve", "mode"),
        ("--selection_metric=recall", "recall"),
        ("--selection_metric=recall@0", "recall@0"),
        ("--selection_metric=luck@20", "luck@20"),
        ("--baselines=magic", "there is no magic"),
        ("--baselines=ease,none", "there is no none"),
        ("--ease_memory_gb=0", "ease_memory_gb"),
        ("--model_memory_gb=0", "model_memory_gb"),
        ("--denoiser_columns=-1", "denoiser_columns = -1: must be at least 0"),
        ("--epoch_steps=-1", "epoch_steps = -1: must be at least 0"),
        ("--num_processes=2", "--num_processes needs --coordinator=HOST:PORT"),
        ("--process_id=0", "--process_id needs --coordinator=HOST:PORT"),
        ("--coordinator=here:1", "needs --num_processes and --process_id"),
        ("--coordinator=cluster", "add --mesh"),
        ("more", "'more'"),
    ],
)
def test_bad_flag(capsys, tmp_path, monkeypatch, argument, word):
    monkeypatch.setattr(flags, "load", loads_nothing)
    assert word in refusal(capsys, "--workdir=run", argument)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (
            ("--process_id=2", "--mesh=data:2"),
            "--process_id=2: with --num_processes=2 the last is 1",
        ),
        (("--coordinator=here", "--mesh=data:2"), "expected HOST:PORT"),
        (("--coordinator=:1", "--mesh=data:2"), "expected HOST:PORT"),
        ((), "add --mesh"),
        (("--mesh=data:2", "--mode=evaluate"), "--mode=evaluate needs one"),
        (("--mesh=data:2", "--profile=trace"), "--profile traces one process"),
    ],
)
def test_processes_that_cannot_join(capsys, tmp_path, monkeypatch, arguments, word):
    monkeypatch.setattr(flags, "load", loads_nothing)
    two = ("--coordinator=here:1", "--num_processes=2", "--process_id=0")
    assert word in refusal(capsys, "--workdir=run", *two, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("--planted_users=0", "planted data"),
        ("--planted_topics=1", "planted data"),
        ("--planted_taste=2", "planted data"),
        ("--dataset=tiktok", "no such directory"),
        ("--data_dir=.", "neither layout"),
        ("--mode=evaluate", "train it first"),
    ],
)
def test_bad_data_or_run(capsys, tmp_path, argument, word):
    assert word in refusal(capsys, "--workdir=run", argument)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--noscore_test", "--baselines=ease"), "--baselines: they are scored on the test split"),
        (("--data_dir=.", "--planted_users=9"), "is read from files; leave it out"),
    ],
)
def test_flags_that_nothing_would_read(capsys, tmp_path, arguments, word):
    assert word in refusal(capsys, "--workdir=run", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_cache_that_cannot_be_written(capsys, tmp_path):
    (tmp_path / "cache").write_text("mine")
    sizes = ("--planted_users=20", "--planted_items=60", "--planted_topics=2")
    message = refusal(capsys, "--preset=paper", "--workdir=run", "--cache_dir=cache", *sizes)
    assert "cannot be written" in message and "--cache_dir" in message
    assert (tmp_path / "cache").read_text() == "mine"
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == [".lock", "config.json"]


def test_debug_shows_the_traceback_too(capsys):
    assert command.main(["main", "--debug", "--epochs=0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1].startswith("error: ")


def test_directory_that_is_no_run(capsys, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    message = refusal(capsys, "--workdir=run", "--planted_users=20", "--planted_items=60")
    assert "not empty and not a run" in message
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_workdir_that_is_a_file(capsys, tmp_path):
    (tmp_path / "run").write_text("mine")
    assert "run" in refusal(capsys, "--workdir=run", "--planted_users=20", "--planted_items=60")
    assert (tmp_path / "run").read_text() == "mine"


def test_run_of_another_configuration_lists_the_fields(capsys, tmp_path):
    sizes = ("--planted_users=20", "--planted_items=60")
    (tmp_path / "run").mkdir()
    stored = {"dataset": "synthetic", "xi": 0.25}
    (tmp_path / "run" / "config.json").write_text(json.dumps(stored))
    (tmp_path / "run" / "metrics.jsonl").write_text('{"epoch": 0}\n')
    message = refusal(capsys, "--workdir=run", *sizes)
    assert "another configuration" in message and "xi (0.25 there, 0.0 now)" in message
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == stored


@pytest.mark.parametrize("text", ("{", "[]", "", "\x00"))
@pytest.mark.parametrize("mode", ("train", "evaluate"))
def test_run_whose_configuration_cannot_be_read(capsys, tmp_path, text, mode):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(text)
    sizes = ("--planted_users=20", "--planted_items=60")
    assert "config.json" in refusal(capsys, "--workdir=run", f"--mode={mode}", *sizes)


def stored(tmp_path, **config):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))


def test_evaluation_of_a_configuration_of_other_data(capsys, tmp_path):
    stored(tmp_path, model="sgl", planted_users=20, planted_items=60)
    message = refusal(capsys, "--workdir=run", "--mode=evaluate")
    assert "was trained on other data" in message and "by --dataset and --data_dir" in message


@pytest.mark.parametrize("config", ({"xi": 0.25}, {"model": "gone"}, {"model": ["sgl"]}))
def test_evaluation_of_a_configuration_without_a_model(capsys, tmp_path, config):
    stored(tmp_path, **config)
    assert "names no model" in refusal(capsys, "--workdir=run", "--mode=evaluate")


@pytest.mark.parametrize(
    ("argument", "there"),
    [("--xi=0.5", "0.25"), ("--model=sgl", "'kdiffe'"), ("--variant=kdiffe_1", "xi 0.25")],
)
def test_evaluation_with_another_value(capsys, tmp_path, argument, there):
    stored(tmp_path, model="kdiffe", xi=0.25)
    message = refusal(capsys, "--workdir=run", "--mode=evaluate", argument)
    assert argument in message and there in message


def test_process_exits_with_status_2(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "launch.main", "--workdir=run", "--epochs=none"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_that_changed_while_processes_trained_on_shares_of_them_are_not_scored(monkeypatch):
    whole = planted_dataset(SIZES)
    share = dataclasses.replace(whole, share=Share(0, 2))
    identity = identity_of(whole)
    assert one_run._whole(None, whole, identity) is whole
    monkeypatch.setattr(flags, "load", lambda values: whole)
    assert one_run._whole(None, share, identity) is whole
    changed = dataclasses.replace(whole, test=whole.test[1:])
    monkeypatch.setattr(flags, "load", lambda values: changed)
    with pytest.raises(RunError, match="the data were changed while they were trained on"):
        one_run._whole(None, share, identity)


def test_a_command_can_be_given_twice_in_a_process(capsys):
    for _ in range(2):
        assert command.main(["main", "--epochs=0"]) == 2
        assert "epochs" in capsys.readouterr().err
        assert sweep.main(["sweep", "--model=nothing"]) == 2
        assert "no such model" in capsys.readouterr().err
