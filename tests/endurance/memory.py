"""What a process holds: megabytes, and open files."""

from __future__ import annotations

import os
from pathlib import Path


def megabytes(process: int | None = None) -> float:
    """Resident memory of a process, of this one by default."""
    pages = int(_of(process, "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files(process: int | None = None) -> int:
    """How many file descriptors a process has."""
    return len(list(_of(process, "fd").iterdir()))


def _of(process: int | None, name: str) -> Path:
    return Path("/proc") / str(process or os.getpid()) / name
