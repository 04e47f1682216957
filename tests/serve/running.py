"""A server as a process of its own."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(workdir, *flags):
    """(process, address) of a server on a free port; killed at the end if it still runs."""
    command = [sys.executable, "-m", "launch.serve", f"--workdir={workdir}", "--port=0", *flags]
    process = subprocess.Popen(
        [*command, f"--cache_dir={workdir}/cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+/", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
