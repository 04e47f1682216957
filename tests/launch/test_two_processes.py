"""Two real processes started at once on one directory: one works, one line refuses the other."""

import json
import time

import pytest
from absl import flags as absl_flags

from launch import study, sweep
from tests.launch.started import LIGHTGCN, SECONDS, finish, start

EPOCHS = 30  # long enough that neither ends before the other has begun
WORDS = (*LIGHTGCN, f"--epochs={EPOCHS}", f"--patience={EPOCHS}", "--cache_dir=cache")


def one_works(module, *words):
    """Starts a command twice; what the one printed that worked."""
    both = [start(module, *words) for _ in range(2)]
    deadline = time.monotonic() + SECONDS
    while all(process.poll() is None for process in both):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    refused, works = sorted(both, key=lambda process: process.poll() is None)
    assert works.poll() is None, "both ended"
    out, error = refused.communicate()
    assert refused.returncode == 2, error
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in error
    assert lines[0].endswith("another process is using this run directory")
    return finish(works)


@pytest.mark.thorough
def test_two_trainings(train, tmp_path):
    run = tmp_path / "run"
    one_works("main", *WORDS, "--workdir=run")
    history = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in history] == list(range(EPOCHS))
    assert not list(run.glob("*.partial"))
    assert "this run is finished" in train(*WORDS, "--workdir=run")


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Attempting to set identical low and high ylims")
@pytest.mark.parametrize(
    ("command", "asked"),
    [(sweep, ["--sweep=what.toml"]), (study, ["--study=ablation", "--variants=full", "--seeds=1"])],
)
def test_two_searches_or_studies(monkeypatch, tmp_path, capsys, command, asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "what.toml").write_text('method = "grid"\n[parameters]\nlearning_rate = [0.01]\n')
    words = (*WORDS, *asked, "--out=out")
    printed = one_works(command.__name__.removeprefix("launch."), *words)
    assert len(list((tmp_path / "out").rglob("result.json"))) == 1
    assert not list((tmp_path / "out").rglob("*.partial"))
    values = absl_flags.FlagValues()
    assert command.main(["command", *words], values) == 0
    assert capsys.readouterr().out.splitlines()[-1] == printed.splitlines()[-1]
