"""A process that runs one training after another, so that a study pays for few starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kdiffe_jax.errors import RunError

# What a process has compiled stays with it; a new one begins without.
_MOST_RUNS = 25


class Worker:
    """A child process; it imports once, and what it has compiled serves its later runs too.

    Args:
      alone: whether no other worker has the same device.
    """

    def __init__(self, *, alone: bool):
        environment = dict(os.environ)
        if not alone:
            environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        command = [sys.executable, "-m", "launch.child", str(os.getpid())]
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._process = subprocess.Popen(command, env=environment, **pipes)  # type: ignore[call-overload]
        os.set_blocking(self._process.stdout.fileno(), False)
        self._left = _MOST_RUNS

    def start(self, words: Sequence[str], log: Path) -> None:
        """Begins `launch.main` with these words; what it says is appended to the log.

        Raises:
          RunError: the process has ended.
        """
        self._left -= 1
        asked = json.dumps({"words": list(words), "log": str(log.absolute())})
        try:
            self._process.stdin.write(f"{asked}\n".encode())
        except BrokenPipeError as error:
            raise RunError(
                f"{log}: the process that was to run it has ended, as where it was killed for "
                "its memory; run the same command again"
            ) from error

    def poll(self) -> int | None:
        """The exit status of the run, None while it goes on; that of the process if it ended."""
        try:
            told = self._process.stdout.read(16)
        except BlockingIOError:
            told = None
        if told is None:
            return None
        return int(told) if told else self._process.wait() or 1

    @property
    def takes_more(self) -> bool:
        """Whether it may be given another run."""
        return self._left > 0 and self._process.poll() is None

    def kill(self) -> None:
        """Ends it, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
