"""Work that goes on in a thread while the next epoch trains: a checkpoint being written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import jax
import numpy as np

LARGEST = 256 * 2**20  #: bytes of arrays; larger ones would be held twice for too long


class Behind:
    """Does one thing after another, each while its caller goes on to the next.

    Use as a context manager: what was begun has ended when the block has.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "behind")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.shutdown(wait=True)
        if exception[0] is None:
            self.wait()

    def begin(self, work: Callable[[], None]) -> None:
        """Begins, once the one before has ended.

        Raises:
          Exception: what the one before raised.
        """
        self.wait()
        self._last = self._thread.submit(work)

    def wait(self) -> None:
        """Until the last has ended.

        Raises:
          Exception: what it raised.
        """
        last, self._last = self._last, None
        if last is not None:
            last.result()


def is_small(arrays: Any) -> bool:
    """Whether a second copy of these arrays may be held beside them."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(arrays)) <= LARGEST


def copied(arrays: Any) -> Any:
    """A pytree on the host, of its own: those on a device may be donated to the next step."""
    return jax.tree.map(np.array, jax.device_get(arrays))
