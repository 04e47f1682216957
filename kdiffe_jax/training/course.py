"""Epoch after epoch with a checkpoint after each, whatever it is that is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from kdiffe_jax.errors import Preempted, RunError
from kdiffe_jax.parallel.processes import from_first
from kdiffe_jax.phases import host_phase
from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.notice import Notice
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.shared_checkpoints import SharedCheckpoints

Record = dict[str, Any]


class Course(NamedTuple):
    """What is trained: one model, or several at once.

    fresh: makes what is carried into the first epoch.
    epoch: trains one more epoch: what is carried and the history -> what is carried, a record.
    over: whether patience is over after a history.
    scores: what checkpoints are kept by, one an epoch of a history.
    """

    fresh: Callable[[], Any]
    epoch: Callable[[Any, list[Record]], tuple[Any, Record]]
    over: Callable[[list[Record]], bool]
    scores: Callable[[list[Record]], list[float]]


def follow(
    course: Course,
    epochs: int,
    run: RunDirectory,
    checkpoints: Checkpoints | SharedCheckpoints,
    *,
    on_epoch: Callable[[Record], None],
    say: Callable[[str], None],
) -> tuple[Any, list[Record]]:
    """Trains a course to its end, from the newest checkpoint where there is one.

    Returns:
      What the last epoch carries, and the records of all epochs.

    Raises:
      Preempted: SIGTERM came to this or another process; the epoch that it came in was
        finished and saved.
    """
    carried, history = _begin(course, checkpoints, say)
    from_first(lambda: run.write_history(history))
    with Notice() as notice:
        while len(history) < epochs and not course.over(history):
            with host_phase("epoch"):
                carried, record = course.epoch(carried, history)
                history.append(record)
                with host_phase("checkpoint"):
                    checkpoints.save(carried, history, course.scores(history))
                    from_first(lambda: run.write_history(history))
            on_epoch(record)
            if notice.given_to_any():
                raise Preempted(f"ended by SIGTERM after epoch {record['epoch']}, which is saved")
    return carried, history


def last_epoch(
    course: Course, run: RunDirectory, *, say: Callable[[str], None]
) -> tuple[Any, list[Record]]:
    """What the newest checkpoint of an existing run carries, and the records up to it.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    if run.checkpoints.is_dir():
        with Checkpoints(run.checkpoints, say) as checkpoints:
            carried, history = _begin(course, checkpoints, lambda line: None)
        if history:
            return carried, history
    raise RunError(f"{run.path}: no epoch was finished; train it first")


def _begin(
    course: Course, checkpoints: Checkpoints | SharedCheckpoints, say: Callable[[str], None]
) -> tuple[Any, list[Record]]:
    fresh = course.fresh()
    snapshot = checkpoints.restore_latest(fresh)
    if snapshot is None:
        return fresh, []
    say(f"resuming after epoch {snapshot.epoch}")
    return snapshot.arrays, snapshot.history
