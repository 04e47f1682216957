"""The command that trains, run inside the tests' process."""

import pytest
from absl import flags as absl_flags

from launch import flags, parsing
from launch import main as command

_READ = ("define", "config", "baselines", "limits", "data_identity", "load", "workdir", "cache_dir")


@pytest.fixture
def fresh_flags(monkeypatch, tmp_path):
    """Flags of its own for the test, and an empty working directory."""
    values = absl_flags.FlagValues()
    monkeypatch.setattr(command, "FLAGS", values)
    for function in (parsing.parse, flags.define_options, *(getattr(flags, n) for n in _READ)):
        monkeypatch.setattr(function, "__defaults__", (values,))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KDIFFE_DATA", raising=False)
    return values
