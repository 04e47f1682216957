"""What takes long to make, made by one worker of a test run and read by the others."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The directory that `make` filled; workers that come later wait for it.

    A failure is tried again by the next worker that asks, in a directory of its own.
    """
    own = factory.mktemp(name)
    together = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        together = together.parent
    made = together / f"made-{name}"
    with (together / f"made-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_symlink():
            make(own)
            made.symlink_to(own, target_is_directory=True)
    return made.resolve()
