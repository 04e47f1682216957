"""What the commands call `--option`, Python calls `option`: messages said in Python."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from kdiffe_jax.errors import KDiffEError

_DASHES = re.compile(r"--(?=[a-z])")


def in_python(text: str) -> str:
    """A message of the library as a reader of Python code expects it.

    >>> in_python("--split=time needs times: name a time column, or use --split=ratio")
    'split=time needs times: name a time column, or use split=ratio'
    """
    return _DASHES.sub("", text)


@contextlib.contextmanager
def spoken_in_python() -> Iterator[None]:
    """A block whose refusals name options as Python does."""
    try:
        yield
    except KDiffEError as error:
        error.args = (in_python(str(error)), *error.args[1:])
        raise
