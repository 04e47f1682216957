"""--profile on the embedded data: every phase of the program is found in its trace."""

import json
import re
from types import SimpleNamespace

import pytest

from kdiffe_jax.ops.trace_phases import PHASES
from kdiffe_jax.profile.split import ROWS, Split
from launch import main as command
from launch.profile import _LABELS, profile_lines

SIZES = """--preset=paper --planted_users=60 --planted_items=48 --planted_topics=4
--planted_triples_per_item=4 --planted_interactions_per_user=8 --planted_entities_per_topic=2
--dim=8 --batch_size=64
--denoiser_width=16 --walk_length=5 --walks_per_node=2 --timesteps=3 --layers=1
--cache_dir=cache""".split()


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> int:
        return command.main(["main", *SIZES, *arguments])

    return run


@pytest.mark.thorough
def test_every_phase_has_its_share(run, capsys, tmp_path):
    assert run("--workdir=run", "--epochs=3", "--profile=trace") == 0
    printed = capsys.readouterr().out
    (session,) = (tmp_path / "trace" / "plugins" / "profile").iterdir()
    stored = json.loads((session / "split.json").read_text())
    assert stored["epochs"] == 2
    assert all(stored["rows"][phase] > 0 for phase in PHASES), stored["rows"]
    assert sum(stored["rows"].values()) == pytest.approx(stored["seconds"])
    assert stored["walks"]["cached"] is False
    assert stored["memory"]["held"] > 0 and "the largest program, " in printed
    shares = re.findall(r"^  (.+?) +[\d.]+ ms +([\d.]+) %$", printed, re.MULTILINE)
    spent = {_LABELS[name] for name, seconds in stored["rows"].items() if seconds}
    assert {name for name, _ in shares} == {*spent, "epoch"}
    assert sum(float(share) for _, share in shares) == pytest.approx(200, abs=1)
    assert re.search(r"walks, S +[\d.]+ ms +once, computed", printed)

    assert run("--workdir=run", "--epochs=3", "--profile=trace") == 0
    assert "no epoch was traced" in capsys.readouterr().out


def test_a_phase_that_a_model_has_not_is_left_out():
    rows = dict.fromkeys(ROWS, 0.0) | {"views": 0.75, "evaluation": 0.25}
    recorder = SimpleNamespace(
        split=Split(3, 1.0, rows), session="trace", walks=None, memory=None, epochs=[]
    )
    names = re.findall(r"^  (.+?) +[\d.]+ ms", profile_lines(recorder), re.MULTILINE)
    assert names == [_LABELS["views"], _LABELS["evaluation"], "epoch"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--profile=file/trace",), "no trace can be written"),
        (("--profile=trace", "--mode=evaluate"), "--mode=evaluate"),
        (("--profile=trace", "--epochs=0"), "epochs"),
    ],
)
def test_refusals_leave_nothing_behind(run, capsys, tmp_path, arguments, word):
    (tmp_path / "file").write_text("mine")
    assert run("--workdir=run", *arguments) == 2
    captured = capsys.readouterr()
    assert word in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
