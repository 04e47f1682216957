"""Who makes which part of S, where several devices or processes make it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from kdiffe_jax.data.share import range_of


class WalkWorkers(NamedTuple):
    """The devices that work, and which process of how many this is."""

    devices: tuple[jax.Device, ...]  #: of this process; each has a thread of the host
    process: int = 0
    processes: int = 1
    joined: Callable[[np.ndarray], np.ndarray] = lambda own: own  #: of all processes, in order

    def own(self, size: int) -> range:
        """This process's range of `size` nodes or edges."""
        return range_of(self.process, self.processes, size)

    @classmethod
    def of_this_process(
        cls,
        devices: Sequence[jax.Device] | None = None,
        joined: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> WalkWorkers:
        """The given devices of this process, or its first one.

        Args:
          devices: that walk.
          joined: where all processes make S together; None: this one makes it alone.
        """
        own = tuple(devices or jax.local_devices()[:1])
        if joined is None:
            return cls(own)
        return cls(own, jax.process_index(), jax.process_count(), joined)


def fair_size(length: int, workers: int, *, at_most: int) -> int:
    """How many of `length` rows a worker has at once, so that none is idle.

    >>> fair_size(10, 4, at_most=100), fair_size(10, 4, at_most=2)
    (3, 2)
    """
    return max(1, min(at_most, -(-length // workers)))


def in_turn(
    work: Callable[[range, Any], Any], rows: range, workers: Sequence[Any], *, size: int
) -> list[Any]:
    """Ranges of rows handed to workers in turn, at once as many as there are workers.

    Args:
      work: a range and its worker -> what comes of it; its time is spent outside the
        interpreter's lock.
      rows: of any length; none are one empty range.
      workers: such as devices.
      size: of a range; the last may be shorter.

    Returns:
      What comes of each range, in their order.
    """
    ranges = [rows[first : first + size] for first in range(0, max(1, len(rows)), size)]
    turns = [workers[i % len(workers)] for i in range(len(ranges))]
    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(work, ranges, turns))
