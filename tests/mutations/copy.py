"""A copy of the tree that breakages are applied to."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutations.breakages import Breakage

_COPIED = ("kdiffe_jax", "launch", "tests", "pyproject.toml")
_SECONDS = 900


class Copy:
    """Runs tests of a copy.

    Args:
      root: the tree.
      directory: an empty one.
      compiled: where compiled programs are kept, also between calls.
    """

    def __init__(self, root: Path, directory: Path, *, compiled: Path):
        self._directory = directory
        self._compiled = compiled
        self._passing: dict[tuple[str, ...], bool] = {}
        for name in _COPIED:
            source, target = root / name, directory / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether the tests pass on the tree as it is; they run once."""
        key = tuple(tests)
        if key not in self._passing:
            self._passing[key] = self.pytest(tests) == 0
        return self._passing[key]

    @contextlib.contextmanager
    def broken(self, breakage: Breakage) -> Iterator[bool]:
        """Applies a breakage for the length of the block; False where its text is not there."""
        file = self._directory / "kdiffe_jax" / breakage.file
        source = file.read_text(encoding="utf-8")
        if source.count(breakage.old) != 1:
            yield False
            return
        file.write_text(source.replace(breakage.old, breakage.new), encoding="utf-8")
        try:
            yield True
        finally:
            file.write_text(source, encoding="utf-8")

    def pytest(self, tests: Sequence[str]) -> int:
        """The exit status of pytest, -1 where it takes too long."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        # No bytecode: a change within the clock's tick would not be seen.
        settings = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self._directory),
            "JAX_COMPILATION_CACHE_DIR": str(self._compiled),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        try:
            done = subprocess.run(
                command,
                cwd=self._directory,
                env=os.environ | settings,
                capture_output=True,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return -1
        return done.returncode
