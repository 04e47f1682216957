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
    said, together = [None] * of, Barrier(of, timeout=_SECONDS)

    def all_said(number, words):
        said[number] = words
        together.wait()
        found = list(said)
        together.wait()
        return found

    def play(number):
        say = partial(all_said, number)
        try:
            return work(Share(number, of, _summed(say), _pieces(say), _agreed(say)))
        except KDiffEError as error:
            return error
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(of) as threads:
        return list(threads.map(play, range(of)))


def _summed(say):
    return lambda values: sum(say(values))


def _pieces(say):
    def pieces(rows):
        assert rows.dtype.itemsize == 4
        for said in say(rows):
            for first in range(0, len(said), PIECE):
                yield said[first : first + PIECE]

    return pieces


def _agreed(say):
    def agreed(work):
        mistake, found = None, None
        try:
            found = work()
        except KDiffEError as error:
            mistake = error
        mistakes = say(mistake)
        if mistake is not None:
            raise mistake
        if any(mistakes):
            raise RunError("another stopped")
        return found

    return agreed
