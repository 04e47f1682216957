import signal
import threading

import pytest

from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.interrupts import interrupts_held


@pytest.fixture(autouse=True)
def ctrl_c_interrupts():
    """A shell starts its background jobs with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        done.append("all")
    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_failure_within_the_block_is_told():
    with pytest.raises(ValueError, match="first"), interrupts_held():
        raise ValueError("first")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_is_left_alone():
    handlers = []

    def work():
        with interrupts_held():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_ctrl_c_within_a_save_leaves_a_whole_checkpoint(tmp_path, monkeypatch):
    with Checkpoints(tmp_path / "checkpoints", print) as checkpoints:
        save = checkpoints._manager.save

        def pressed(*arguments, **options):
            signal.raise_signal(signal.SIGINT)
            return save(*arguments, **options)

        monkeypatch.setattr(checkpoints._manager, "save", pressed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save({"x": 1.0}, [{"epoch": 0}], [0.5])
        assert checkpoints.restore(0, {"x": 0.0}).arrays == {"x": 1.0}
