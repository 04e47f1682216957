import contextlib
import signal
import threading

import pytest

from kdiffe_jax.api.words import spoken_in_python
from kdiffe_jax.errors import Preempted
from kdiffe_jax.training.preemption import PreemptionNotice


@pytest.fixture
def reached():
    """Signals that came to whoever listened before."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


def test_the_first_is_noted_and_the_second_does_what_it_did_before(reached):
    with PreemptionNotice() as notice:
        assert not notice.given_to_any()
        signal.raise_signal(signal.SIGTERM)
        assert notice.given_to_any() and not reached
        signal.raise_signal(signal.SIGTERM)
        assert len(reached) == 1


def test_afterwards_nothing_is_noted(reached):
    with PreemptionNotice() as notice:
        pass
    signal.raise_signal(signal.SIGTERM)
    assert len(reached) == 1 and not notice.given


def test_another_thread_notes_nothing_and_changes_nothing(reached):
    def enter():
        with PreemptionNotice():
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]


def test_a_loop_that_goes_on_after_failures_ends(capsys):
    with pytest.raises(SystemExit) as ended, spoken_in_python(), contextlib.suppress(Exception):
        raise Preempted("ended by SIGTERM after epoch 3, which is saved")
    assert ended.value.code == 143
    assert "after epoch 3, which is saved" in capsys.readouterr().err
