"""Checkpoints of a run: the only file that knows Orbax.

Every epoch is saved under a temporary name and renamed when complete. Kept are the
two latest and the two best, so that losing the newest never loses the best.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from kdiffe_jax.errors import RunError
from kdiffe_jax.training.interrupts import interrupts_held
from kdiffe_jax.training.plain_keys import with_keys, without_keys

_KEEP_LATEST = 2
_KEEP_BEST = 2


class Snapshot(NamedTuple):
    """What a checkpoint holds: arrays, and the history of all epochs up to it."""

    epoch: int
    arrays: Any
    history: list[dict[str, Any]]


class _KeepLatestAndBest(checkpoint_managers.PreservationPolicy):
    """Keeps the newest and the highest-scoring epochs; of equal scores the earlier."""

    def __init__(self):
        self.scores: Sequence[float] = ()

    def should_preserve(self, checkpoints: Sequence, *, context) -> Sequence[bool]:
        del context
        by_score = sorted(checkpoints, key=lambda c: (-self.scores[c.step], c.step))
        kept = {c.step for c in by_score[:_KEEP_BEST]}
        kept |= {c.step for c in checkpoints[-_KEEP_LATEST:]}
        return [c.step in kept for c in checkpoints]


class Checkpoints:
    """The checkpoints of one run directory. Use as a context manager.

    Args:
      directory: created where missing.
      log: receives a line where something had to be passed over.

    Raises:
      RunError: the directory cannot be made.
    """

    def __init__(self, directory: Path, log: Callable[[str], None]):
        self._directory = Path(directory).absolute()
        self._log = log
        self._policy = _KeepLatestAndBest()
        options = ocp.CheckpointManagerOptions(
            preservation_policy=self._policy,
            enable_async_checkpointing=False,
            cleanup_tmp_directories=True,
            create=False,
            multiprocessing_options=_this_process_alone(),
        )
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._manager = ocp.CheckpointManager(self._directory, options=options)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{self._directory}: cannot be written: {reason}") from error

    def __enter__(self) -> Checkpoints:
        return self

    @interrupts_held()
    def __exit__(self, *exception) -> None:
        self._manager.close()

    def epochs(self) -> list[int]:
        """Epochs with a complete checkpoint, oldest first."""
        return sorted(self._manager.all_steps())

    @interrupts_held()
    def save(self, arrays: Any, history: list[dict[str, Any]], scores: Sequence[float]) -> None:
        """Saves the last epoch of the history and removes those that are no longer kept.

        Args:
          arrays: a pytree, whole.
          history: one record an epoch.
          scores: what the best epochs are chosen by, one an epoch.

        Raises:
          RunError: it cannot be written.
        """
        self._policy.scores = scores
        epoch = len(history) - 1
        plain = jax.device_get(without_keys(arrays))
        content = ocp.args.Composite(
            arrays=ocp.args.StandardSave(plain),
            history=ocp.args.JsonSave({"epochs": history, "crc32": _checksum(plain, history)}),
        )
        try:
            with _without_tracebacks():
                self._manager.save(epoch, args=content)
        except Exception as error:  # As many kinds as for restoring.
            raise RunError(
                f"{self._directory / str(epoch)}: checkpoint cannot be written: {_reason(error)}; "
                "the ones before are kept; mend that and give the same command again"
            ) from error

    @interrupts_held()
    def restore(self, epoch: int, like: Any) -> Snapshot:
        """One epoch's arrays in the structure, shapes and dtypes of `like`.

        They lie as those of `like` do, or on the host where it has but shapes.

        Raises:
          RunError: the checkpoint cannot be read or has other shapes.
        """
        abstract = jax.tree.map(_abstract, without_keys(like))
        try:
            found = self._manager.restore(
                epoch,
                args=ocp.args.Composite(
                    arrays=ocp.args.StandardRestore(abstract), history=ocp.args.JsonRestore()
                ),
            )
        except Exception as error:  # Orbax and tensorstore raise many kinds for a damaged file.
            path = self._directory / str(epoch)
            raise RunError(f"{path}: checkpoint cannot be read: {_reason(error)}") from error
        history = self._verified(epoch, found["arrays"], found["history"])
        return Snapshot(epoch, with_keys(found["arrays"], like), history)

    def restore_latest(self, like: Any) -> Snapshot | None:
        """The newest readable epoch; a damaged one is said aloud and set aside.

        Returns:
          None where there is no readable checkpoint.
        """
        return self._first_readable(self.epochs()[::-1], like, "continuing from the one before")

    def restore_best(self, scores: Sequence[float], like: Any) -> Snapshot:
        """The readable epoch of the highest score, the earliest of equals.

        A damaged one is said aloud and set aside, and the next best stands in for it.

        Args:
          scores: one an epoch.
          like: as for `restore`.

        Raises:
          RunError: there is no readable checkpoint.
        """
        by_score = sorted(self.epochs(), key=lambda epoch: (-scores[epoch], epoch))
        found = self._first_readable(by_score, like, "the next best epoch stands in for it")
        if found is None:
            raise RunError(
                f"{self._directory}: has no readable checkpoint; remove the directory of the run, "
                "and the same command trains anew"
            )
        return found

    def _first_readable(self, epochs: Sequence[int], like: Any, otherwise: str) -> Snapshot | None:
        for epoch in epochs:
            try:
                return self.restore(epoch, like)
            except RunError as error:
                self._log(f"{error}; {otherwise}")
                self._set_aside(epoch)
        return None

    def _verified(self, epoch: int, arrays: Any, stored: Any) -> list[dict[str, Any]]:
        """The history. Orbax does not notice every byte that changed on disk."""
        if isinstance(stored, list):  # as it was before there were checksums
            return stored
        known = isinstance(stored, dict) and {"crc32", "epochs"} <= stored.keys()
        if not known or stored["crc32"] != _checksum(arrays, stored["epochs"]):
            path = self._directory / str(epoch)
            raise RunError(f"{path}: checkpoint cannot be read: its content has changed")
        return stored["epochs"]

    def _set_aside(self, epoch: int) -> None:
        damaged = self._directory.parent / f"{self._directory.name}-damaged"
        damaged.mkdir(exist_ok=True)
        target = damaged / str(epoch)
        if target.exists():
            shutil.rmtree(target)
        shutil.move(self._directory / str(epoch), target)
        self._manager.reload()


def _checksum(arrays: Any, history: Any) -> int:
    """CRC-32 over an unkeyed pytree and a history."""
    checksum = zlib.crc32(json.dumps(history).encode())
    for leaf in jax.tree.leaves(arrays):
        bytes_of = np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)
        checksum = zlib.crc32(bytes_of, checksum)
    return checksum


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


@contextlib.contextmanager
def _without_tracebacks() -> Iterator[None]:
    """Orbax logs errors of its threads and raises them too; once is enough."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _this_process_alone() -> ocp.options.MultiprocessingOptions:
    """Keeps Orbax from waiting for other processes; one of them has the checkpoints."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    this = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process{this}"
    )


def _abstract(leaf) -> jax.ShapeDtypeStruct:
    leaf = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None))
