"""Whose interactions a process has, where several share a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.errors import DataError


def range_of(number: int, of: int, size: int) -> range:
    """The part of `size` things that taker `number` of `of` has; the parts are all of them.

    >>> [range_of(number, 3, 8) for number in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    return range(size * number // of, size * (number + 1) // of)


def _alone(rows: np.ndarray) -> np.ndarray:
    return rows


def _at_once(rows: np.ndarray) -> tuple[np.ndarray, ...]:
    return (rows,)


def _called(work: Callable[[], Any]) -> Any:
    return work()


class Share(NamedTuple):
    """One of `of` processes, each with the interactions of its own range of users.

    The processes' ranges follow one another, so the sorted rows of all, in the order of the
    processes, are the sorted rows of the data set. The three functions speak with the other
    processes: all call them at the same place. A process alone has everything.
    """

    number: int = 0
    of: int = 1
    summed: Callable[[np.ndarray], np.ndarray] = _alone  #: added up over all processes
    pieces: Callable[[np.ndarray], Iterable[np.ndarray]] = _at_once  #: the rows of all, in order
    #: what the work returns; where it failed on any process, all fail
    all_or_none: Callable[[Callable[[], Any]], Any] = _called

    def range_of(self, size: int) -> range:
        """This process's part of `size` users or bytes."""
        return range_of(self.number, self.of, size)

    def owns(self, pairs: np.ndarray, n_users: int) -> np.ndarray:
        """bool[n], whether the user of each (user, item) pair belongs to this process."""
        users = self.range_of(n_users)
        return (pairs[:, 0] >= users.start) & (pairs[:, 0] < users.stop)

    def kept(self, rows: np.ndarray, keep: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Those of the rows of all processes that this one wants, in order.

        Args:
          rows: this one's, of four bytes a number.
          keep: some rows -> bool, whether each is wanted.
        """
        return np.concatenate([piece[keep(piece)] for piece in self.pieces(rows)])

    def offset_and_total(self, length: int) -> tuple[int, int]:
        """How many rows the processes before this one have, and how many all have.

        Args:
          length: how many this one has.
        """
        lengths = np.zeros(self.of, np.int64)
        lengths[self.number] = length
        lengths = self.summed(lengths)
        return int(lengths[: self.number].sum()), int(lengths.sum())

    def bytes_of(self, rows: np.ndarray) -> Iterator[bytes]:
        """What names the int32 rows of all processes in a hash: their shape, then themselves."""
        yield repr((self.offset_and_total(len(rows))[1], *rows.shape[1:])).encode()
        for piece in self.pieces(np.ascontiguousarray(rows, np.int32)):
            yield np.ascontiguousarray(piece).tobytes()

    def digest(self, rows: np.ndarray) -> str:
        """SHA-256 over `bytes_of` the rows, hexadecimal."""
        digest = hashlib.sha256()
        for part in self.bytes_of(rows):
            digest.update(part)
        return digest.hexdigest()

    def check_alike(self, digest: str, what: str) -> None:
        """Refuses processes that do not all have the same.

        Args:
          digest: hexadecimal, of what this one has.
          what: its name in the message.

        Raises:
          DataError: on every process, if any differs from process 0.
        """
        own = np.frombuffer(bytes.fromhex(digest), np.int32)[None]
        found = np.concatenate(list(self.pieces(own)))
        other = np.flatnonzero((found != found[0]).any(axis=1))
        if len(other):
            raise DataError(
                f"{what}: process {other[0]} has another than process 0; give all processes the "
                "same data"
            )


ALONE = Share()
