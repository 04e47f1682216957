"""Bars on a terminal, nothing elsewhere."""

import io

import pytest

from kdiffe_jax.models.registry import make_config
from kdiffe_jax.training.progress import Progress
from launch.progress import rows_bar


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


def record(epoch, loss, recall, **seed):
    return {"epoch": epoch, "seconds": 1.0, **seed, "loss": loss, "valid": {"recall@20": recall}}


@pytest.mark.parametrize("model", ("kdiffe", "bm3"))
def test_an_epoch_is_a_line(monkeypatch, capsys, model):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    Progress(make_config({"model": model})).on_epoch(record(3, 1.0, 0.25))
    line = capsys.readouterr().out
    expected = "epoch   3  loss    1.0000  valid recall@20 0.2500  best 0.2500  1.0 s\n"
    assert line == expected


def test_of_several_seeds_each_has_its_own_lines(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    progress = Progress(make_config({"num_seeds": 2}))
    for seed, recall in ((5, 0.3), (6, 0.2)):
        progress.on_epoch(record(0, 1.0, recall, seed=seed))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 5  epoch   0  loss ") and "best 0.3000" in lines[0]
    assert lines[1].startswith("seed 6  epoch   0  loss ") and "best 0.2000" in lines[1]


def test_a_bar_names_the_seed(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with Progress(make_config({"num_seeds": 2, "epochs": 4})) as progress:
        progress.on_epoch(record(3, 1.0, 0.3, seed=5))
        progress.on_epoch(record(0, 1.0, 0.2, seed=6))
    last = screen.getvalue().rsplit("\r", 1)[-1]
    assert last.startswith("seed 6:  25%") and "best 0.2000" in last
