"""When a run was made, on what, and with which versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdiffe_jax.report.markup import Markup, note, section, table
from kdiffe_jax.report.run_files import RunFiles

NOT_RECORDED = "not recorded"
_PLATFORMS = {"cpu": "CPU", "gpu": "GPU", "tpu": "TPU"}


def environment(run: RunFiles) -> Markup:
    """The record that the run left of itself; says where an older run left none."""
    if not run.environment:
        said = "Date, machine and versions are not recorded: the run is older than their record."
        return section("run", "Run", note(said))
    rows = list(_rows(run.environment).items())
    return section("run", "Run", table(["", ""], rows, texts=2))


def date_of(run: RunFiles) -> str:
    """When it was trained.

    Returns:
      UTC in ISO 8601, or that it is not recorded.
    """
    return str(run.environment.get("date") or NOT_RECORDED)


def _rows(found: Mapping[str, Any]) -> dict[str, str]:
    cores, memory = found.get("cores"), found.get("memory_gib")
    rows = {
        "date (UTC)": found.get("date"),
        "computed on": _devices(found.get("devices")),
        "processes": found.get("processes"),
        "processor": found.get("processor"),
        "cores": cores and f"{cores} that the run might use",
        "memory": memory and f"{memory} GiB",
        **_held(found.get("devices")),
        "system": found.get("system"),
    }
    versions = found.get("versions")
    if isinstance(versions, Mapping):
        rows["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    else:
        rows["versions"] = None
    return {name: str(value or NOT_RECORDED) for name, value in rows.items()}


def _held(devices: Any) -> dict[str, str]:
    """The row of an accelerator's memory; none of a CPU."""
    peak = devices.get("peak_memory_gb") if isinstance(devices, Mapping) else None
    return {} if peak is None else {"most memory of a device": f"{peak} GB"}


def _devices(devices: Any) -> str | None:
    """What the arrays were on.

    >>> _devices({"platform": "gpu", "kind": "NVIDIA H100 80GB HBM3", "count": 2})
    '2 GPUs: NVIDIA H100 80GB HBM3'
    """
    if not isinstance(devices, Mapping):
        return None
    platform, kind, count = (devices.get(name) for name in ("platform", "kind", "count"))
    several = count not in (None, 1)
    if platform == "cpu":
        return "CPU, no accelerator" + (f", {count} devices" if several else "")
    return f"{count} {_PLATFORMS.get(str(platform), platform)}{'s' if several else ''}: {kind}"
