"""The batches of the next epoch, drawn in a thread while an accelerator trains on these."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Self

import jax

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.training.behind import is_small
from kdiffe_jax.training.setup import TrainSetup


def waits_for_the_host() -> bool:
    """Whether the device has nothing to do while the host draws; a CPU is the host."""
    return jax.default_backend() != "cpu"


class BatchesAhead:
    """Draws epochs, each at most once ahead and never two at a time; a context manager.

    Args:
      draw: the batches of an epoch by its number, which depend on nothing else.
      ahead: whether to draw ahead at all.
    """

    def __init__(self, draw: Callable[[int], Batch], *, ahead: bool) -> None:
        self._draw, self._ahead = draw, ahead
        self._thread = ThreadPoolExecutor(1, "batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def take(self, number: int) -> Batch:
        """The batches of an epoch; if they are large, those of the next are not held beside them.

        Raises:
          Exception: what drawing them raised.
        """
        expected, drawn = self._next or (None, None)
        self._next = None
        found = drawn.result() if drawn is not None else None
        if found is None or expected != number:
            found = self._draw(number)
        self._ahead &= is_small(found)
        return found

    def begin(self, number: int) -> None:
        """Begins to draw the epoch that will be taken next."""
        if self._ahead:
            self._next = number, self._thread.submit(self._draw, number)


def batches_of(setup: TrainSetup, *, ahead: bool = False) -> BatchesAhead:
    """The batches of every epoch; `ahead` has an effect on one accelerator alone."""
    draw, alone = partial(setup.placement.batches, setup.sampler), setup.placement.alone
    return BatchesAhead(draw, ahead=ahead and alone and waits_for_the_host())
