"""Commands that end with a figure say before the first run that they cannot draw it."""

import sys

import pytest
from absl import flags as absl_flags

from launch import study, sweep

GRID = 'method = "grid"\n[parameters]\nlayers = [1, 2]\n'
COMMANDS = {
    "study": (study, ("--study=main",)),
    "study of models": (study, ("--study=models", "--models=lightgcn")),
    "sweep": (sweep, ("--sweep=what.toml",)),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_figure_that_cannot_be_drawn_is_told_before_anything_runs(
    name, monkeypatch, tmp_path, capsys
):
    command, arguments = COMMANDS[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "what.toml").write_text(GRID)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert command.main([name, "--out=out", *arguments], absl_flags.FlagValues()) == 2
    assert "matplotlib: pip install 'kdiffe_jax[plots]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
