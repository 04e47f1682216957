"""A server under the load of a second process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kdiffe_jax.storage.saved_model import MODEL, write_model
from kdiffe_jax.training.saving import model_of
from tests.endurance.memory import megabytes, open_files
from tests.serve.running import ROOT, running
from tests.small_model import small_problem, untrained


def loaded_server(requests: int, threads: int = 8) -> dict[str, Any]:
    """Serves a small model while another process sends requests, twice.

    Returns:
      what `load.hammer` says, and the server's megabytes and open files after either time.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        setup = small_problem(place / "cache")
        write_model(model_of(setup, untrained(setup)), place / MODEL)
        with running(place) as (process, address):
            looks, said = [], []
            for _ in range(2):
                said.append(_hammer(address, requests // threads // 2, threads))
                looks.append((round(megabytes(process.pid), 1), open_files(process.pid)))
            megabytes_held, files = zip(*looks, strict=True)
            return {
                "sent": sum(half["sent"] for half in said),
                "answered": sum(half["answered"] for half in said),
                "wrong": [line for half in said for line in half["wrong"]],
                "megabytes": megabytes_held,
                "files": files,
            }


def _hammer(address: str, count: int, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.endurance.load", address]
    done = subprocess.run(
        [*command, f"--count={count}", f"--threads={threads}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
