"""A command in a process of its own: how long it took, and the most memory that it held."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_GB = 1e9
_LOOK_AFTER_SECONDS = 0.2


class Watched(NamedTuple):
    """What a command took."""

    seconds: float
    core_seconds: float  #: of all cores together, which other work on the machine changes less
    peak_gb: float  #: of resident memory, GB of 10^9 bytes; no less than who started it held
    status: int  #: 0 where it ended well; negative: the signal that ended it
    above_limit: bool  #: it was ended since it held more than the limit


def watch(command: Sequence[str], *, log: Path, limit_gb: float) -> Watched:
    """Runs a command to its end, or ends it when it holds more than the limit.

    Args:
      command: and its arguments.
      log: receives what it prints.
      limit_gb: of resident memory.
    """
    begun, above = time.perf_counter(), False
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            if _resident_gb(process.pid) > limit_gb:
                above = True
                process.kill()
            time.sleep(_LOOK_AFTER_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * 1024 / _GB
    seconds = time.perf_counter() - begun
    of_cores = usage.ru_utime + usage.ru_stime
    return Watched(seconds, of_cores, peak, process.returncode, above or peak > limit_gb)


def _resident_gb(pid: int) -> float:
    """What a process holds now; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / _GB
