"""Damage to the newest checkpoint of a run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

KINDS = ("changed", "truncated", "emptied", "file missing", "missing")


def complete_checkpoints(workdir: Path) -> list[Path]:
    """Of all seeds, oldest first."""
    found = [path for path in workdir.glob("**/checkpoints/*") if path.name.isdigit()]
    return sorted(found, key=lambda path: (path.parent, int(path.name)))


def damage(checkpoint: Path, kind: str, rng: random.Random) -> str:
    """Damages one file of a checkpoint, or the whole of it; returns what was done."""
    if kind == "missing":
        shutil.rmtree(checkpoint)
        return f"{checkpoint.name} {kind}"
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.stat().st_size)
    file = rng.choice(files)
    content = file.read_bytes()
    if kind == "file missing":
        file.unlink()
    elif kind == "changed":
        place = rng.randrange(len(content))
        changed = bytes([content[place] ^ rng.randrange(1, 256)])
        file.write_bytes(content[:place] + changed + content[place + 1 :])
    else:
        file.write_bytes(content[: len(content) // 2] if kind == "truncated" else b"")
    return f"{file.relative_to(checkpoint.parent)} {kind}"
