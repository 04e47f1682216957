"""What a finished run left, so that two runs can be compared bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from tests.kills.damage import complete_checkpoints

_TIMES = ("seconds", "cpu_seconds")


def outcome(workdir: Path) -> dict[str, Any]:
    """Every file's content without seconds: text as objects, arrays as bytes by name."""
    checkpoints = {str(p.relative_to(workdir)): p for p in complete_checkpoints(workdir)}
    found: dict[str, Any] = {
        "result": _timeless(json.loads((workdir / "result.json").read_text())),
        "config": json.loads((workdir / "config.json").read_text()),
        "metrics": [_lines(file) for file in sorted(workdir.glob("**/metrics.jsonl"))],
        "kept": sorted(checkpoints),
        "files": sorted(p.name for p in workdir.iterdir() if not p.name.endswith("-damaged")),
    }
    for name, path in checkpoints.items():
        stored = json.loads((path / "history" / "metadata").read_text())
        history = stored["epochs"]  # the checksum beside it covers seconds
        found[f"{name} history"] = _timeless(history)
        found |= {f"{name} {leaf}": value for leaf, value in _arrays(path / "arrays").items()}
    for file in ("model.npz", "test_per_user.npz"):
        with np.load(workdir / file) as archive:
            found |= {f"{file} {name}": archive[name].tobytes() for name in archive.files}
    return found


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """What is not the same, by name."""
    names = sorted(first.keys() | second.keys())
    return [name for name in names if first.get(name) != second.get(name)]


def _arrays(directory: Path) -> dict[str, bytes]:
    """Parameters, optimiser, step, key and what is carried by their paths."""
    tree = ocp.StandardCheckpointer().restore(directory.absolute())
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf).tobytes() for path, leaf in leaves}


def _lines(file: Path) -> list[Any]:
    return [_timeless(json.loads(line)) for line in file.read_text().splitlines()]


def _timeless(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _timeless(v) for name, v in content.items() if name not in _TIMES}
    return [_timeless(value) for value in content] if isinstance(content, list) else content
