"""How many processor cores this process may use."""

from __future__ import annotations

import os


def cores() -> int | None:
    """Those that its affinity names, where the system has that; None where nothing is known."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
