"""Training in a process of its own, on random data written as a prepared directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.data.readers.prepared import write_prepared

_PROGRAM = """
import sys
from launch.main import main
status = main(sys.argv)
from benchmarks.harness import resident_peak_mb
print(resident_peak_mb())
sys.exit(status)
"""


class Launched(NamedTuple):
    """How a training in a process of its own went; times since its start, in seconds."""

    ended: float
    last_epoch_ended: float
    epoch_seconds: list[float]
    cpu: float
    peak_mb: float


def prepared_data(sizes: Sizes) -> Path:
    """The directory of the random data, written once a run of the benchmarks."""
    path = Path(os.environ["KDIFFE_CACHE"]) / "data" / sizes.name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_prepared(random_dataset(sizes), path)
    return path


def launch(data: Path, cache: Path, flags: list[str]) -> Launched:
    """Runs `launch.main` to its end.

    Args:
      data: a prepared directory.
      cache: where the program keeps what a second run can use.
      flags: the other flags.

    Raises:
      RuntimeError: the command failed; the message is what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix="kdiffe-benchmarks-") as directory:
        run, log = Path(directory) / "run", Path(directory) / "log"
        fixed = ["--preset=paper", f"--data_dir={data}", "--dataset=random", f"--workdir={run}"]
        command = [sys.executable, "-c", _PROGRAM, *fixed, f"--cache_dir={cache}", *flags]
        with log.open("w") as stream:
            begun, wall = time.time(), time.perf_counter()
            child = subprocess.Popen(command, stdout=stream, stderr=stream)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            ended = time.perf_counter() - wall
        if child.returncode:
            raise RuntimeError(log.read_text())
        history = run / "metrics.jsonl"
        epochs = [json.loads(line)["seconds"] for line in history.read_text().splitlines()]
        return Launched(
            ended=ended,
            last_epoch_ended=history.stat().st_mtime - begun,
            epoch_seconds=epochs,
            cpu=usage.ru_utime + usage.ru_stime,
            peak_mb=float(log.read_text().splitlines()[-1]),
        )
