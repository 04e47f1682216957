"""The command that trains, run inside the tests' process."""

import pytest
from absl import flags as absl_flags

from launch import flags, parsing
from launch import main as command

_READ = ("define", "config", "baselines", "limits", "data_identity", "load", "workdir", "cache_dir")


def _with_fresh_flags(monkeypatch) -> absl_flags.FlagValues:
    values = absl_flags.FlagValues()
    monkeypatch.setattr(command, "FLAGS", values)
    for function in (parsing.parse, flags.define_options, *(getattr(flags, n) for n in _READ)):
        monkeypatch.setattr(function, "__defaults__", (values,))
    return values


@pytest.fixture
def fresh_flags(monkeypatch, tmp_path):
    """Flags of its own for the test, and an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KDIFFE_DATA", raising=False)
    return _with_fresh_flags(monkeypatch)


@pytest.fixture
def train(monkeypatch, tmp_path, capsys):
    """Runs `launch.main` with flags of its own in an empty directory: what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDIFFE_CACHE", str(tmp_path / "cache"))

    def run(*words: str) -> str:
        _with_fresh_flags(monkeypatch)
        status = command.main(["main", *words])
        out, err = capsys.readouterr()
        assert status == 0, err
        return out

    return run
