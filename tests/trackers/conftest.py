import sys

import pytest


@pytest.fixture
def run_dir(tmp_path):
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


@pytest.fixture
def absent(monkeypatch):
    """Makes a library one that is not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)
