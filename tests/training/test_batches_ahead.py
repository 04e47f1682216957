"""What is drawn ahead is what would have been drawn, one epoch at a time."""

import threading

import numpy as np
import pytest

from kdiffe_jax.training import batches_ahead as module
from kdiffe_jax.training.batches_ahead import BatchesAhead
from tests.small_setups import assert_same_run, small_setup, train_in


def test_a_run_is_the_same(tmp_path, monkeypatch):
    setup, drawn = small_setup(epochs=3), []
    expected, _ = train_in(setup, tmp_path / "one")
    monkeypatch.setattr(module, "waits_for_the_host", lambda: True)
    draw = type(setup.placement).batches

    def batches(placement, sampler, number):
        drawn.append((number, threading.current_thread() is threading.main_thread()))
        return draw(placement, sampler, number)

    monkeypatch.setattr(type(setup.placement), "batches", batches)
    assert_same_run(train_in(setup, tmp_path / "other")[0], expected)
    assert drawn == [(0, True), (1, False), (2, False)]


def test_another_epoch_than_the_expected_one_is_drawn_anew():
    with BatchesAhead(lambda number: np.full(2, number), ahead=True) as batches:
        assert batches.take(0)[0] == 0
        batches.begin(1)
        assert batches.take(5)[0] == 5
        assert batches.take(6)[0] == 6


def test_large_batches_are_not_held_twice(monkeypatch):
    monkeypatch.setattr(module, "is_small", lambda batches: False)
    drawn = []
    with BatchesAhead(lambda number: drawn.append(number), ahead=True) as batches:
        batches.take(0)
        batches.begin(1)
        assert drawn == [0]


def test_a_mistake_is_told_where_the_epoch_is_taken():
    def draw(number):
        if number:
            raise ValueError("no such epoch")
        return np.zeros(1)

    with BatchesAhead(draw, ahead=True) as batches:
        batches.take(0)
        batches.begin(1)
        with pytest.raises(ValueError, match="no such epoch"):
            batches.take(1)
