"""Processes that share a data set, played by threads that speak through a list."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import KDiffEError, RunError

PIECE = 3
_SECONDS = 60


def played(of, work):
    """What `work` returns for each of `of` shares, which run at the same time.

    Where it raises a `KDiffEError`, that is what it returns.
    """
    told, together = [None] * of, Barrier(of, timeout=_SECONDS)

    def all_told(number, words):
        told[number] = words
        together.wait()
        found = list(told)
        together.wait()
        return found

    def play(number):
        tell = partial(all_told, number)
        try:
            return work(Share(number, of, _summed(tell), _pieces(tell), _all_or_none(tell)))
        except KDiffEError as error:
            return error
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(of) as threads:
        return list(threads.map(play, range(of)))


def _summed(tell):
    return lambda values: sum(tell(values))


def _pieces(tell):
    def pieces(rows):
        assert rows.dtype.itemsize == 4
        for told in tell(rows):
            for first in range(0, len(told), PIECE):
                yield told[first : first + PIECE]

    return pieces


def _all_or_none(tell):
    def all_or_none(work):
        mistake, found = None, None
        try:
            found = work()
        except KDiffEError as error:
            mistake = error
        mistakes = tell(mistake)
        if mistake is not None:
            raise mistake
        if any(mistakes):
            raise RunError("another stopped")
        return found

    return all_or_none
