"""Outcomes of breakages, kept while what they depend on stays as it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.mutations.breakages import Breakage


class Journal:
    """One line an outcome, in `outcomes.jsonl`. Use as a context manager.

    Args:
      directory: made where missing.
      root: the tree that the outcomes are of.
    """

    def __init__(self, directory: Path, root: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._file = directory / "outcomes.jsonl"
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        self._outcomes = dict(map(json.loads, lines))

    def __enter__(self) -> Journal:
        self._stream = self._file.open("a", encoding="utf-8")
        return self

    def __exit__(self, *exception) -> None:
        self._stream.close()

    def outcome(self, breakage: Breakage) -> str | None:
        """What was found before, None where it is to be tried."""
        return self._outcomes.get(self._key(breakage))

    def keep(self, breakage: Breakage, outcome: str) -> None:
        """Writes an outcome at once."""
        self._stream.write(json.dumps([self._key(breakage), outcome]) + "\n")
        self._stream.flush()

    def _key(self, breakage: Breakage) -> str:
        """A hash of the breakage, of the broken file and of its tests."""
        digest = hashlib.sha256(repr(breakage).encode())
        tests = {test.partition("::")[0] for test in breakage.tests}
        for file in (f"kdiffe_jax/{breakage.file}", *sorted(tests)):
            digest.update((self._root / file).read_bytes())
        return digest.hexdigest()
