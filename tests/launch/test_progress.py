"""Bars on a terminal, nothing elsewhere."""

import io

import pytest

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
