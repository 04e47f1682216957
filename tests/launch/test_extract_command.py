"""python -m launch.extract: one line for a mistake, one for the result."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from absl import flags as absl_flags

from kdiffe_jax.extract.resumable import Progress
from launch import extract as command
from tests.terminal import on_terminal

ROOT = Path(__file__).parents[2]


class Lengths:
    """A row that tells the length of a text."""

    modality = "text"
    options = {"kind": "texts"}
    versions = {}
    class_names = ()

    def read(self, content):
        return len(content.read_text())

    def compute(self, batch):
        return np.array(batch)[:, None]


@pytest.fixture(autouse=True)
def in_an_empty_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def main(argv):
    return command.main(argv, absl_flags.FlagValues())


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw").mkdir()
    for item, text in {"a": "one", "b": "three", "c": ""}.items():
        (tmp_path / "raw" / f"{item}.txt").write_text(text)
    return tmp_path / "raw"


def refusal(capsys, *arguments) -> str:
    assert main(["extract", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--kind is needed"),
        (("--kind=texts",), "--input is needed"),
        (("--kind=texts", "--input=raw"), "--output is needed"),
        (("--kind=videos",), "kind"),
        (("--no_such_flag",), "no_such_flag"),
        (("--kind=texts", "--input=raw", "--output=out", "more"), "'more' is not a flag"),
        (("--kind=texts", "--input=raw", "--output=out", "--batch_size=0"), "at least 1"),
        (("--kind=texts", "--input=raw", "--output=out", "--seconds=3"), "is for sounds"),
        (("--kind=texts", "--input=absent", "--output=out"), "absent: no such file"),
        (("--kind=texts", "--input=raw", "--output=raw"), "not empty and no extraction"),
    ],
)
def test_mistakes(capsys, monkeypatch, tmp_path, raw, arguments, words):
    monkeypatch.setattr(command, "make_extractor", lambda settings: Lengths())
    assert words in refusal(capsys, *arguments)
    assert not (tmp_path / "out").exists()


def test_result_and_what_could_not_be_read(capsys, monkeypatch, tmp_path, raw):
    monkeypatch.setattr(command, "make_extractor", lambda settings: Lengths())
    arguments = ["extract", "--kind=texts", "--input=raw", "--output=out"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == (
        "out: 2 of 3 items extracted; 1 could not be read, see out/unreadable.tsv\n"
    )
    assert np.load("out/text_feat.npy").tolist() == [[3.0], [5.0]]
    (raw / "c.txt").write_text("seven..")
    assert main([*arguments, "--retry_unreadable"]) == 0
    assert capsys.readouterr().out == "out: 3 of 3 items extracted\n"


def test_random_weights_are_said_aloud(capsys, monkeypatch, raw):
    monkeypatch.setattr(command, "make_extractor", lambda settings: Lengths())
    arguments = ["extract", "--kind=images", "--input=raw", "--output=out", "--nopretrained"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("random weights")


def test_interrupted(capsys, monkeypatch, raw):
    def stop(self, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "make_extractor", lambda settings: Lengths())
    with monkeypatch.context() as patch:
        patch.setattr(Lengths, "compute", stop)
        assert main(["extract", "--kind=texts", "--input=raw", "--output=out"]) == 130
    assert capsys.readouterr().err == "stopped; the same command continues\n"
    assert main(["extract", "--kind=texts", "--input=raw", "--output=out"]) == 0


def test_lines_from_time_to_time(capsys, monkeypatch):
    monkeypatch.setattr(command, "_SECONDS_BETWEEN_LINES", 0.0)
    with command._Bar() as bar:
        bar.show(Progress(3, 1, 9))
    assert capsys.readouterr().out == "3 of 9, 1 unreadable\n"


def test_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    with command._Bar() as bar:
        bar.show(Progress(2, 0, 9))
        bar.show(Progress(9, 1, 9))
    assert "9/9" in screen.text and "1 unreadable" in screen.text


def test_a_missing_library_in_a_process_of_its_own(tmp_path, raw):
    (tmp_path / "librosa.py").write_text("raise ModuleNotFoundError('no', name='librosa')")
    done = subprocess.run(
        [sys.executable, "-m", "launch.extract"]
        + ["--kind=sounds", f"--input={raw}", f"--output={tmp_path / 'out'}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: sounds need librosa, which is not installed: pip install 'kdiffe_jax[extract]'\n"
    )
    assert not (tmp_path / "out").exists()
