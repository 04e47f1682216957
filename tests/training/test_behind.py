"""What is done behind the next epoch: in order, whole at the end, its mistakes told."""

import threading

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.training import behind as module
from kdiffe_jax.training.behind import Behind, copied, is_small
from kdiffe_jax.training.checkpoints import Checkpoints
from tests.small_setups import assert_same_run, small_setup, train_in


def test_work_goes_on_while_the_caller_does_and_in_order():
    gate, done = threading.Event(), []
    with Behind() as behind:
        behind.begin(lambda: (gate.wait(10), done.append(1)))
        assert done == []
        gate.set()
        behind.begin(lambda: done.append(2))
        assert done[0] == 1, "the second begins when the first has ended"
        behind.wait()
        assert done == [1, 2]
        behind.begin(lambda: done.append(3))
    assert done == [1, 2, 3], "the block ends when all has"


def fail():
    raise OSError("disk full")


def test_a_mistake_is_told_by_the_next_call_or_at_the_end():
    with Behind() as behind:
        behind.begin(fail)
        with pytest.raises(OSError, match="disk full"):
            behind.begin(lambda: None)
    with pytest.raises(OSError, match="disk full"), Behind() as behind:
        behind.begin(fail)


def test_a_mistake_of_the_block_comes_first_and_what_was_begun_still_ends():
    gate, done = threading.Event(), []
    with pytest.raises(ValueError, match="block"), Behind() as behind:
        behind.begin(lambda: (gate.wait(10), done.append(1)))
        threading.Timer(0.05, gate.set).start()
        raise ValueError("block")
    assert done == [1]


def test_large_arrays_are_saved_before_the_next_epoch_and_the_run_is_the_same(
    tmp_path, monkeypatch
):
    setup, begun = small_setup("lightgcn", epochs=3), []
    begin = Behind.begin
    monkeypatch.setattr(Behind, "begin", lambda self, w: (begun.append(w), begin(self, w)))
    behind, _ = train_in(setup, tmp_path / "behind")
    assert len(begun) == 3
    monkeypatch.setattr(module, "LARGEST", 0)
    before, _ = train_in(setup, tmp_path / "before")
    assert len(begun) == 3
    assert_same_run(before, behind)


def test_a_checkpoint_that_cannot_be_written_ends_the_run(tmp_path, monkeypatch):
    def save(*_):
        raise RunError("disk full")

    monkeypatch.setattr(Checkpoints, "save", save)
    with pytest.raises(RunError, match="disk full"):
        train_in(small_setup("lightgcn", epochs=1), tmp_path)


def test_copies_are_of_their_own(monkeypatch):
    of_device = {"table": jnp.arange(3.0), "step": jnp.int32(1)}
    held = copied(of_device)
    assert not np.shares_memory(held["table"], np.asarray(of_device["table"]))
    np.testing.assert_array_equal(held["table"], [0.0, 1.0, 2.0])
    assert is_small(of_device)
    monkeypatch.setattr(module, "LARGEST", 15)
    assert not is_small(of_device)
