"""What the commands call `--option`, Python calls `option`: messages said in Python."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator

from kdiffe_jax.errors import KDiffEError, Preempted

_MODELS = "python -m launch.main --models"
_SEEDS, _FALSE = re.compile(r"(?<!-)\bnum_seeds\b"), re.compile(r"=false\b")
_COMMAND_OR_DASHES = re.compile(r"(python -m launch\.\w+(?: --[a-z]\S*)*)|(?<![\w./-])--(?=[a-z])")


def in_python(text: str) -> str:
    """A message of the library as a reader of Python code expects it; commands stay whole.

    >>> in_python("--split=time needs times: name a time column, or use --split=ratio")
    'split=time needs times: name a time column, or use split=ratio'
    >>> in_python("there is no such model (python -m launch.main --models)")
    'there is no such model (kd.list_models())'
    >>> in_python("score it by python -m launch.main --mode=evaluate --workdir=runs/1")
    'score it by python -m launch.main --mode=evaluate --workdir=runs/1'
    >>> in_python("say --tuned=false"), in_python("ensemble = True needs num_seeds of 2 or more")
    ('say tuned=False', 'ensemble = True needs seeds of 2 or more')
    """
    text = _COMMAND_OR_DASHES.sub(r"\1", text.replace(_MODELS, "kd.list_models()"))
    return _FALSE.sub("=False", _SEEDS.sub("seeds", text))


@contextlib.contextmanager
def spoken_in_python() -> Iterator[None]:
    """A block whose refusals name options as Python does."""
    try:
        yield
    except Preempted as notice:
        print(notice, file=sys.stderr)
        raise
    except KDiffEError as error:
        error.args = (in_python(str(error)), *error.args[1:])
        raise
