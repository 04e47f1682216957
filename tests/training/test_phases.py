"""What a command is at: lines elsewhere, rows and times on a terminal."""

import io
import sys
import threading
import time

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.training.phases import COMPILING, FIRST_EPOCH, Phases
from tests.terminal import on_terminal


def clock_of(*ticks):
    left = iter(ticks)
    return lambda: next(left)


def elsewhere(monkeypatch):
    """What is printed where neither stream is a terminal."""
    monkeypatch.setattr("sys.stderr", io.StringIO())
    printed = io.StringIO()
    monkeypatch.setattr("sys.stdout", printed)
    return printed


def run(phases):
    with phases:
        with phases("reading"):
            phases.log("shop: a note")
        for _ in range(2):
            with phases("training"):
                with phases("compiling"):
                    pass
    return phases


def test_elsewhere_a_phase_that_lasts_is_a_line_once(monkeypatch):
    lines = elsewhere(monkeypatch)
    with Phases(after=0.0) as phases:
        for name in ("reading", "training", "training"):
            with phases(name):
                deadline = time.monotonic() + 30
                while f"{name} ...\n" not in lines.getvalue() and time.monotonic() < deadline:
                    time.sleep(0.01)
                phases.log(f"in {name}")
    told = ["reading ...", "in reading", "training ...", "in training", "in training"]
    assert lines.getvalue().splitlines() == told


def test_elsewhere_short_phases_say_nothing(monkeypatch):
    lines = elsewhere(monkeypatch)
    run(Phases(after=600.0))
    assert lines.getvalue() == "shop: a note\n"
    assert not [thread for thread in threading.enumerate() if "Timer" in thread.name]


def test_nothing_is_shown_where_it_is_not_wanted(monkeypatch):
    screen = on_terminal(monkeypatch)
    assert "reading" in run(Phases(shown=False)).seconds
    assert screen.getvalue() == ""


def test_on_a_terminal_a_phase_is_seen_and_has_its_time(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    seconds = clock_of(0.0, 0.0, 8.0, 8.0, 9.0, 40.0, 62.0, 62.0, 62.0, 62.0, 62.0, 62.0)
    with Phases(clock=seconds) as phases:
        with phases("reading"):
            phases.log("shop: a note")
        with phases("training"), phases("compiling"):
            seen = screen.text
    lines = [line.strip() for line in screen.text.replace("\r", "\n").splitlines()]
    assert "compiling" in seen and "compiling ..." not in screen.text
    assert [line for line in lines if line in ("shop: a note", "reading 8.0 s")] == [
        "shop: a note",
        "reading 8.0 s",
    ]
    assert "training 23 s, compiling 31 s" in lines
    assert phases.summary() == "62 s: 8.0 s reading, 23 s training, 31 s compiling"


def test_what_jax_compiles_is_told_apart_wherever_it_is(monkeypatch):
    with Phases(shown=False) as phases:
        with phases("preparing"):
            jax.block_until_ready(jax.jit(lambda x: x * 3 + 1)(jnp.arange(7)))
        with phases("training"), phases(FIRST_EPOCH):
            jax.block_until_ready(jax.jit(lambda x: x * 5 + 1)(jnp.arange(7)))
        before = dict(phases.seconds)
    jax.block_until_ready(jax.jit(lambda x: x * 7 + 1)(jnp.arange(7)))
    assert before.keys() == {"preparing", "training", COMPILING} == phases.seconds.keys()
    assert before[COMPILING] > 0 and phases.seconds == before


def test_a_phase_that_fails_is_over(monkeypatch):
    elsewhere(monkeypatch)
    phases = Phases(clock=clock_of(0.0, 0.0, 1.0, 4.0, 4.0))
    with pytest.raises(ValueError, match="no such"), phases("reading"):
        raise ValueError("no such file")
    assert phases.summary() == "4.0 s: 1.0 s reading, 3.0 s else"


def test_a_dumb_terminal_gets_lines(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    run(Phases(after=600.0))
    assert screen.getvalue() == "shop: a note\n"


def test_without_rich_there_are_lines(monkeypatch):
    screen = on_terminal(monkeypatch)
    for name in ("rich", "rich.console"):
        monkeypatch.setitem(sys.modules, name, None)
    run(Phases(after=600.0))
    assert screen.getvalue() == "shop: a note\n"
