"""The command that trains, run inside the tests' process."""

import pytest

from launch import main as command


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """An empty working directory, without data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KDIFFE_DATA", raising=False)


@pytest.fixture
def train(monkeypatch, tmp_path, capsys):
    """Runs `launch.main` in an empty directory: what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDIFFE_CACHE", str(tmp_path / "cache"))

    def run(*words: str) -> str:
        status = command.main(["main", *words])
        out, err = capsys.readouterr()
        assert status == 0, err
        return out

    return run
