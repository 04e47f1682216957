"""The line of a notebook, and a screen that shows nothing."""

import io
import sys
import types

import pytest

from kdiffe_jax.training.screen import Screen, screen


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook receives, one after another."""
    display = pytest.importorskip("IPython.display")
    shown = []

    class Handle:
        def display(self, text):
            shown.append(("display", text.data))

        def update(self, text):
            shown.append(("update", text.data))

    monkeypatch.setattr(display, "DisplayHandle", Handle)
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr("sys.stderr", io.StringIO())
    return shown


def test_a_notebook_has_one_line_that_goes_in_the_end(notebook):
    with screen() as shown:
        row = shown.row("training", total=20)
        row.show(3, note="best 0.3000")
        row.close()
        shown.print("training 4.0 s")
    assert notebook == [
        ("display", "training  0/20"),
        ("update", "training  3/20  best 0.3000"),
        ("update", ""),
    ]


def test_a_notebook_without_rows_shows_nothing(notebook):
    with screen():
        pass
    assert notebook == []


def test_there_is_no_screen_elsewhere(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert screen() is None
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    assert screen() is None, "no kernel runs this"


def test_a_screen_that_shows_nothing_keeps_count():
    row = Screen().row("reading", total=3, unit="byte")
    row.show(2_000_000, total=4_000_000, name="reading on")
    assert (row.name, row.count) == ("reading on", "2.0 of 4.0 MB")
    row.close()
