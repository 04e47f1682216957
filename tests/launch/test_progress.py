"""Bars on a terminal, nothing elsewhere."""

import io

import pytest

from kdiffe_jax.config import Config
from launch.progress import Progress, rows_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_read_shows_rows_and_bytes(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with rows_bar("reading") as progress:
        progress(1_500_000, 50_000_000, 100_000_000)
        progress(3_000_000, 100_000_000, 100_000_000)
    shown = screen.getvalue()
    assert "reading" in shown and "3,000,000 rows" in shown
    assert "50%" in shown and "100%" in shown


def test_a_download_of_unknown_size(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with rows_bar("downloading", unit="byte") as progress:
        progress("kg.txt", 5_000_000, None)
    assert "5.00M" in screen.getvalue() and "rows" not in screen.getvalue()


def test_nothing_is_shown_elsewhere(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with rows_bar("reading") as progress:
        progress(1, 1, 1)
    assert screen.getvalue() == ""


def test_a_read_that_reports_nothing_shows_nothing(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with rows_bar("reading"):
        pass
    assert screen.getvalue() == ""


def of_seed(loss, recall):
    return {"loss": loss, "bpr": 0.5, "valid": {"recall@20": recall}}


def test_an_epoch_is_a_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    Progress(Config()).on_epoch({"epoch": 3, "seconds": 1.0, **of_seed(1.0, 0.25)})
    line = capsys.readouterr().out
    assert "epoch   3" in line and "recall@20 0.2500  best 0.2500  1.0 s" in line


def test_of_several_seeds_mean_and_range_are_shown(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    members = [of_seed(1.0, 0.2), of_seed(3.0, 0.3)]
    config = Config.from_flat({"num_seeds": 4})
    Progress(config).on_epoch({"epoch": 3, "seconds": 1.0, "members": members})
    line = capsys.readouterr().out
    assert "2 of 4 seeds  loss 2.0000 (1.0000-3.0000)" in line
    assert "valid recall@20 0.2500 (0.2000-0.3000)  1.0 s" in line
