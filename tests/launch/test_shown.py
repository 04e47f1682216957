"""What a command prints at its end, on terminals of any width and elsewhere."""

import sys

import pytest

from kdiffe_jax.studies.tables import markdown
from launch.shown import PLAIN_WIDTH, show, show_markdown, width
from tests.terminal import on_terminal

HEADER = ["setting", *(f"{split} {metric}@20" for split in ("valid", "test") for metric in "abc")]
ROWS = [["full", *(f"0.{n}111 ± 0.0001" for n in range(6))], ["a|b", *["-"] * 6]]


def test_a_table_elsewhere_is_markdown(capsys):
    show_markdown(markdown(HEADER, ROWS))
    assert capsys.readouterr().out == markdown(HEADER, ROWS) + "\n"
    show_markdown(markdown(HEADER, ROWS), "aligned")
    assert capsys.readouterr().out == "aligned\n"
    assert width() == PLAIN_WIDTH


@pytest.mark.parametrize("columns", (40, *range(74, 86), 120))
@pytest.mark.parametrize("rich", (True, False))
def test_a_table_on_a_terminal_is_no_wider_and_whole(monkeypatch, columns, rich):
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich", None)
    screen = on_terminal(monkeypatch, columns)
    show_markdown(f"\n{markdown(HEADER, ROWS)}\n\nout: table.md")
    lines = screen.text.splitlines()
    assert max(map(len, lines)) <= columns and lines[-1] == "out: table.md"
    for cell in (*HEADER, *ROWS[0], "a|b"):
        assert cell in screen.text
    assert "|---" not in screen.text


def test_long_lines_are_broken_between_words(monkeypatch):
    screen = on_terminal(monkeypatch, 30)
    show("kdiffe on shop: epoch 3 of 9, chosen on valid recall@20\nshort")
    assert screen.text.splitlines() == [
        "kdiffe on shop: epoch 3 of 9,",
        "    chosen on valid recall@20",
        "short",
    ]


def test_lines_elsewhere_stay_whole(capsys):
    show("word " * 60)
    assert capsys.readouterr().out == "word " * 60 + "\n"
