"""The checkpoints of a run that several processes train: process 0 reads and writes them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from kdiffe_jax.parallel.processes import is_process_zero, on_process_zero
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.checkpoints import Checkpoints, Snapshot


@contextlib.contextmanager
def checkpoints_of(
    run: RunDirectory, log: Callable[[str], None]
) -> Iterator[Checkpoints | SharedCheckpoints]:
    """The checkpoints of a run, for however many processes there are.

    Args:
      run: claimed by process 0.
      log: receives a line where something had to be passed over.
    """
    own = Checkpoints(run.checkpoints, log) if is_process_zero() else contextlib.nullcontext()
    with own as checkpoints:
        yield checkpoints if jax.process_count() == 1 else SharedCheckpoints(checkpoints)


class SharedCheckpoints:
    """`Checkpoints` in which every process takes part and process 0 alone reads and writes.

    The arrays are process 0's, None on all others; the history is given to all.

    Args:
      own: the checkpoints; None on all processes but the first.
    """

    def __init__(self, own: Checkpoints | None):
        self._own = own

    def save(self, arrays: Any, history: list[dict[str, Any]], scores: Sequence[float]) -> None:
        """As `Checkpoints.save`."""
        on_process_zero(lambda: self._own.save(arrays, history, scores))

    def restore_best(self, scores: Sequence[float], like: Any) -> Snapshot:
        """As `Checkpoints.restore_best`."""
        return self._told(lambda: self._own.restore_best(scores, like))

    def restore_latest(self, like: Any) -> Snapshot | None:
        """As `Checkpoints.restore_latest`."""
        return self._told(lambda: self._own.restore_latest(like))

    def _told(self, read: Callable[[], Snapshot | None]) -> Snapshot | None:
        read_here: list[Snapshot | None] = []

        def words():
            read_here.append(read())
            return read_here[0] and [read_here[0].epoch, read_here[0].history]

        told = on_process_zero(words)
        if told is None:
            return None
        return read_here[0] if read_here else Snapshot(told[0], None, told[1])
