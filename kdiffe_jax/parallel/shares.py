"""How the processes that share a data set reach each other's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import KDiffEError, RunError
from kdiffe_jax.parallel.processes import any_process

Found = TypeVar("Found")
PIECE = 1 << 20


def share_of_process() -> Share:
    """This process's share of a data set; everything where it is the only one."""
    if jax.process_count() == 1:
        return Share()
    return Share(jax.process_index(), jax.process_count(), summed, pieces, all_or_none)


def pieces(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of all processes, by the order of their numbers, at most `PIECE` at once.

    No process holds more than its own and a piece.

    Args:
      rows: of any length in the first axis and one dtype of four bytes on all processes.
    """
    lengths = multihost_utils.process_allgather(np.int32(len(rows)))
    size = min(PIECE, 1 << int(lengths.max(initial=1) - 1).bit_length())
    for speaker, length in enumerate(lengths.tolist()):
        for first in range(0, length, size):
            said = np.zeros((size, *rows.shape[1:]), rows.dtype)
            if speaker == jax.process_index():
                own = rows[first : first + size]
                said[: len(own)] = own
            yield _heard(said, speaker)[: length - first]


def summed(values: np.ndarray) -> np.ndarray:
    """The values of all processes added up, in float64 or int64 where they are.

    Args:
      values: of one shape and dtype, of four bytes or eight, on all processes.
    """
    total = np.zeros_like(values)
    for speaker in range(jax.process_count()):
        total += _heard(values, speaker)
    return total


def all_or_none(work: Callable[[], Found]) -> Found:
    """What `work` returns on this process, if it succeeds on every one.

    Raises:
      RunError: `work` raised a `KDiffEError` on other processes; those raise it themselves.
    """
    mistake, found = None, None
    try:
        found = work()
    except KDiffEError as error:
        mistake = error
    failed = any_process(mistake is not None)
    if mistake is not None:
        raise mistake
    if failed:
        raise RunError("another process stopped; its own message says why")
    return cast(Found, found)


def largest(values: np.ndarray) -> np.ndarray:
    """The largest of each value over all processes; int32 of one shape."""
    if jax.process_count() == 1:
        return values
    return multihost_utils.process_allgather(np.asarray(values, np.int32)).max(axis=0)


def _heard(values: np.ndarray, speaker: int) -> np.ndarray:
    """What the speaking process passes, on every process, bit for bit."""
    bits = np.ascontiguousarray(values).view(np.int32)
    told = multihost_utils.broadcast_one_to_all(bits, is_source=speaker == jax.process_index())
    return np.asarray(told).view(values.dtype)
