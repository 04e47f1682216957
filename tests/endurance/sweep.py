"""A sweep of many trials: what its process holds after each, and what it leaves."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.endurance.memory import megabytes, open_files
from tests.kills.attempts import flags_of

_ROOT = Path(__file__).parents[2]


def long_sweep(trials: int) -> dict[str, Any]:
    """Runs `launch.sweep`, and looks after each trial.

    Returns:
      "trials" done; "megabytes" and "files" of the sweep's process after the second trial and
      after the last; "processes" that outlived it; "left": kinds of files a trial leaves.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        rates = ", ".join(f"{1e-3 * (trial + 1):.4f}" for trial in range(trials))
        described = f'method = "grid"\n[parameters]\nlearning_rate = [{rates}]\n'
        (place / "what.toml").write_text(described)
        flags = [
            *flags_of("kdiffe"),
            "--epochs=2",
            f"--sweep={place / 'what.toml'}",
            f"--out={place / 'out'}",
        ]
        command = [sys.executable, "-m", "launch.sweep", *flags, f"--cache_dir={place / 'cache'}"]
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        looks = []
        for line in process.stdout:
            if re.match(r"trial \d+ .*done", line):
                looks.append((megabytes(process.pid), open_files(process.pid)))
        if process.wait():
            raise RuntimeError(f"the sweep ended with status {process.returncode}")
        kinds = {
            tuple(sorted(p.name for p in (place / "out" / f"trial-{trial:04d}").iterdir()))
            for trial in range(trials)
        }
    return {
        "trials": len(looks),
        "megabytes": [round(looks[1][0], 1), round(looks[-1][0], 1)],
        "files": [looks[1][1], looks[-1][1]],
        "processes": len(_of_group(process.pid)),
        "left": [list(kind) for kind in kinds],
    }


def _of_group(parent: int) -> list[Path]:
    """Processes whose command names the parent, as `launch.child` does."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if b"launch.child" in words and str(parent).encode() in words:
            found.append(entry.parent)
    return found
