"""Breaks the program on purpose and shows that the suite notices: python -m tests.mutations.

Each breakage is applied alone, to a temporary copy of the tree; the tests named for it must
then fail. Arguments are words: only breakages whose name or file has one of them are tried.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutations.breakages import BREAKAGES, Breakage

ROOT = Path(__file__).parents[2]
_COPIED = ("kdiffe_jax", "launch", "tests", "pyproject.toml")
_SECONDS = 600
_PASSED, _FAILED = 0, 1  # pytest's; all others mean that no test was judged


def main(words: Sequence[str]) -> int:
    """Tries the breakages one after another.

    Returns:
      0 where the suite noticed all, 1 where one survived or could not be tried.
    """
    chosen = [b for b in BREAKAGES if not words or any(w in f"{b.file}: {b.what}" for w in words)]
    with tempfile.TemporaryDirectory() as directory:
        copy = _copy_of_the_tree(Path(directory))
        tests = sorted({test for breakage in chosen for test in breakage.tests})
        if not chosen or _status(copy, tests, limit=None) != _PASSED:
            print("nothing to try" if not chosen else "the tests fail without any breakage")
            return 1
        outcomes = [_try(copy, breakage) for breakage in chosen]
    killed = outcomes.count("killed")
    print(f"{killed} of {len(chosen)} killed")
    return 0 if killed == len(chosen) else 1


def _copy_of_the_tree(directory: Path) -> Path:
    for name in _COPIED:
        source, target = ROOT / name, directory / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return directory


def _try(copy: Path, breakage: Breakage) -> str:
    begun = time.monotonic()
    file = copy / "kdiffe_jax" / breakage.file
    source = file.read_text(encoding="utf-8")
    if source.count(breakage.old) != 1:
        outcome = "text not found"
    else:
        file.write_text(source.replace(breakage.old, breakage.new), encoding="utf-8")
        outcome = _outcome(_status(copy, breakage.tests))
        file.write_text(source, encoding="utf-8")
    print(f"{outcome:14} {time.monotonic() - begun:4.0f} s  {breakage.what}", flush=True)
    return outcome


def _outcome(status: int) -> str:
    named = {_PASSED: "survived", _FAILED: "killed"}
    return named.get(status, f"pytest: {status}")


def _status(copy: Path, tests: Sequence[str], limit: float | None = _SECONDS) -> int:
    """The exit status of pytest, -1 where it takes too long."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    # No bytecode: a change within the clock's tick would not be seen.
    settings = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(copy),
        "JAX_COMPILATION_CACHE_DIR": str(copy / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    try:
        done = subprocess.run(
            command, cwd=copy, env=os.environ | settings, capture_output=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return -1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
