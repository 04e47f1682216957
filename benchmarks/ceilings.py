"""What this machine can do at best: memory, caches, float32 products; measured, not looked up."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_LARGE = 32 * 2**20  # numbers in an array that no cache holds
_SMALL = 64 * 2**10  # three of these are 768 KiB, which a core's own cache holds
_PRODUCT = 2048
_TRIES = 7


class Ceilings(NamedTuple):
    """Bytes a second from memory and from the caches, float32 operations a second."""

    memory: float
    cache: float
    arithmetic: float


def measure_ceilings() -> Ceilings:
    """The best of several copies, triads and products on all cores, by NumPy and by XLA."""
    return Ceilings(
        memory=max(_numpy_streams(_LARGE, repeats=1), _xla_streams()),
        cache=_numpy_streams(_SMALL, repeats=200),
        arithmetic=_xla_product(),
    )


def _numpy_streams(size: int, *, repeats: int) -> float:
    """Bytes a second of a copy or an addition, each core on arrays of its own."""
    cores = len(os.sched_getaffinity(0))
    size = size // cores if repeats == 1 else size
    arrays = [[np.ones(size, np.float32) for _ in range(3)] for _ in range(cores)]

    def copy(three):
        for _ in range(repeats):
            np.copyto(three[2], three[0])

    def add(three):
        for _ in range(repeats):
            np.add(three[0], three[1], out=three[2])

    with ThreadPoolExecutor(cores) as pool:
        seconds = {
            n: _best(lambda w=w: list(pool.map(w, arrays))) for n, w in ((2, copy), (3, add))
        }
    return max(4.0 * n * size * cores * repeats / s for n, s in seconds.items())


def _xla_streams() -> float:
    """Bytes a second of a triad, a + 2 b."""
    a, b = jnp.ones(_LARGE), jnp.ones(_LARGE)
    triad = jax.jit(lambda a, b: a + 2.0 * b)
    return 3 * 4.0 * _LARGE / _best(lambda: triad(a, b))


def _xla_product() -> float:
    """Operations a second of a square product."""
    a = jnp.ones((_PRODUCT, _PRODUCT))
    product = jax.jit(lambda a: a @ a)
    return 2.0 * _PRODUCT**3 / _best(lambda: product(a))


def _best(run: Callable[[], Any]) -> float:
    jax.block_until_ready(run())
    seconds = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def describe_machine() -> dict[str, Any]:
    """Cores, processor, caches, memory, load and versions, for the head of a table."""
    found = {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": {level: size for level, size in _caches()},
        "memory": _field("/proc/meminfo", "MemTotal"),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "device": jax.devices()[0].device_kind,
    }
    return {name: value for name, value in found.items() if value not in (None, "", {})}


def _field(file: str, name: str) -> str | None:
    path = Path(file)
    lines = path.read_text().splitlines() if path.exists() else []
    return next((x.partition(":")[2].strip() for x in lines if x.startswith(name)), None)


def _caches():
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = (index / "type").read_text().strip()
        if kind != "Instruction":
            level, size = ((index / f).read_text().strip() for f in ("level", "size"))
            yield f"L{level}", size
