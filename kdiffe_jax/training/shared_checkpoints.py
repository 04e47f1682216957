"""The checkpoints of a run that several processes train: process 0 has them, all receive them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from kdiffe_jax.parallel.processes import arrays_from_first, from_first, is_first
from kdiffe_jax.training.checkpoints import Checkpoints, Snapshot, with_keys, without_keys
from kdiffe_jax.training.run_directory import RunDirectory


@contextlib.contextmanager
def checkpoints_of(
    run: RunDirectory, say: Callable[[str], None]
) -> Iterator[Checkpoints | SharedCheckpoints]:
    """The checkpoints of a run, for however many processes there are.

    Args:
      run: claimed by process 0.
      say: receives a line where something had to be passed over.
    """
    own = Checkpoints(run.checkpoints, say) if is_first() else contextlib.nullcontext()
    with own as checkpoints:
        yield checkpoints if jax.process_count() == 1 else SharedCheckpoints(checkpoints)


class SharedCheckpoints:
    """`Checkpoints` in which every process takes part and process 0 alone reads and writes.

    Args:
      own: the checkpoints; None on all processes but the first.
    """

    def __init__(self, own: Checkpoints | None):
        self._own = own

    def save(self, arrays: Any, history: list[dict[str, Any]], scores: Sequence[float]) -> None:
        """As `Checkpoints.save`."""
        from_first(lambda: self._own.save(arrays, history, scores))

    def restore(self, epoch: int, like: Any) -> Snapshot:
        """As `Checkpoints.restore`."""
        return self._given(lambda: self._own.restore(epoch, like), like)

    def restore_latest(self, like: Any) -> Snapshot | None:
        """As `Checkpoints.restore_latest`."""
        return self._given(lambda: self._own.restore_latest(like), like)

    def _given(self, read: Callable[[], Snapshot | None], like: Any) -> Snapshot | None:
        read_here: list[Snapshot | None] = []

        def words():
            read_here.append(read())
            return read_here[0] and [read_here[0].epoch, read_here[0].history]

        told = from_first(words)
        if told is None:
            return None
        arrays = arrays_from_first(without_keys(read_here[0].arrays if read_here else like))
        return Snapshot(told[0], with_keys(arrays, like), told[1])
