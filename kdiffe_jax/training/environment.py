"""When, on what and with which versions a run was made; nothing that names a machine or a user."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import kdiffe_jax
from kdiffe_jax.ops.cores import cores
from kdiffe_jax.storage.run_directory import RunDirectory

_PACKAGES = ("jax", "jaxlib", "flax", "numpy")
_CPUINFO = Path("/proc/cpuinfo")
_STATUS = Path("/proc/self/status")


def write_environment(run: RunDirectory, devices: Sequence[jax.Device] = ()) -> None:
    """Writes environment.json into a run directory.

    Args:
      run: claimed.
      devices: of this process, that took part; none of a model that the host fits.

    Raises:
      RunError: it cannot be written.
    """
    run.write_environment(environment(devices))


def environment(devices: Sequence[jax.Device] = ()) -> dict[str, Any]:
    """What environment.json holds.

    Returns:
      "date" (UTC, ISO 8601), "versions" by package, "system", "processor", "cores" that this
      process may use, "memory_gib" of the machine, "peak_memory_gb" that this process held so far,
      in 10^9 bytes, "devices" with "platform", "kind", "count" over all processes and
      "peak_memory_gb", the most that one of this process's held of its own memory, "processes".
      What the system does not say is None.
    """
    first = next(iter(devices), None)
    processes = jax.process_count() if devices else 1
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "versions": _versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "peak_memory_gb": _peak_memory_gb(),
        "devices": {
            "platform": first.platform if first else "cpu",
            "kind": first.device_kind if first else "cpu",
            "count": len(devices) * processes,
            "peak_memory_gb": peak_of_devices(devices),
        },
        "processes": processes,
    }


def peak_of_devices(devices: Sequence[jax.Device]) -> float | None:
    """The most that one of the devices has held of its own memory, 10^9 bytes.

    None where they have none of their own, as a CPU, whose memory is the process's.
    """
    told = [(device.memory_stats() or {}).get("peak_bytes_in_use") for device in devices]
    peaks = [peak for peak in told if peak is not None]
    return round(max(peaks) / 1e9, 3) if peaks else None


def _versions() -> dict[str, str]:
    packages = {name: metadata.version(name) for name in _PACKAGES}
    return {"kdiffe_jax": kdiffe_jax.__version__, **packages, "Python": platform.python_version()}


def _processor() -> str | None:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or None


def _memory_gib() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return round(size / 2**30, 1)


def _peak_memory_gb() -> float | None:
    """Of the kernel's own count: that of `getrusage` begins with the parent's memory."""
    try:
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    return None if kib is None else round(kib * 1024 / 1e9, 3)
