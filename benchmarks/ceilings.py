"""What this machine can do at best: memory, caches, float32 products; measured, not looked up.

On an accelerator they are those of the device, and its caches are left out.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_LARGE = 32 * 2**20  # numbers in an array that no cache holds
_SMALL = 64 * 2**10  # three of these are 768 KiB, which a core's own cache holds
_PRODUCT = 2048
# On an accelerator: so large that the start of a call is a small share of its time.
_LARGE_ON_DEVICE = 256 * 2**20
_PRODUCT_ON_DEVICE = 8192
_TRIES = 7


class Ceilings(NamedTuple):
    """Bytes a second from memory and from the caches, float32 operations a second."""

    memory: float
    cache: float | None
    arithmetic: float


def measure_ceilings() -> Ceilings:
    """The best of several copies, triads and products, by NumPy on all cores and by XLA."""
    if on_accelerator():
        streams, product = _xla_streams(_LARGE_ON_DEVICE), _xla_product(_PRODUCT_ON_DEVICE)
        return Ceilings(streams, None, product)
    return Ceilings(
        memory=max(_numpy_streams(_LARGE, repeats=1), _xla_streams(_LARGE)),
        cache=_numpy_streams(_SMALL, repeats=200),
        arithmetic=_xla_product(_PRODUCT),
    )


def on_accelerator() -> bool:
    """Whether jax computes on another device than the processor."""
    return jax.default_backend() != "cpu"


def exact_products() -> AbstractContextManager:
    """Float32 products without rounded inputs, which accelerators take unless told not to."""
    return jax.default_matmul_precision("highest") if on_accelerator() else nullcontext()


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


def _xla_streams(size: int) -> float:
    """Bytes a second of a copy with a new sign, or of a triad, a + 2 b."""
    a, b = jnp.ones(size), jnp.ones(size)
    negative, triad = jax.jit(jnp.negative), jax.jit(lambda a, b: a + 2.0 * b)
    seconds = {2: _best(lambda: negative(a)), 3: _best(lambda: triad(a, b))}
    return max(4.0 * n * size / s for n, s in seconds.items())


def _xla_product(size: int) -> float:
    """Operations a second of a square product."""
    a = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(lambda a: a @ a)
    return 2.0 * size**3 / _best(lambda: product(a))


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
        "caches": {} if on_accelerator() else {level: size for level, size in _caches()},
        "memory": _field("/proc/meminfo", "MemTotal"),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "device": jax.devices()[0].device_kind,
        "products": (jax.config.jax_default_matmul_precision or "jax's default")
        if on_accelerator()
        else None,
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
