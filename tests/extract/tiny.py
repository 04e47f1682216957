"""A tiny model with the ways of a large one, and the pieces that its tests share."""

from pathlib import Path

import numpy as np

from kdiffe_jax.extract.entries import file_entries
from kdiffe_jax.extract.resumable import extract

SIZES = dict(batch_size=2, part_size=4, readers=2)


class ByteCounts:
    """Rows that depend on the batch, as those of real models do in the last digit."""

    modality = "tone"
    versions = {"numpy": "2"}
    class_names = ("low", "high")

    def __init__(self, **options):
        self.options = {"kind": "test", "width": 3} | options
        self.read_files = []

    def read(self, content):
        text = content.read_text()
        if text.startswith("broken"):
            raise ValueError("two\nlines and a\ttab")
        self.read_files.append(content.name)
        return float(text)

    def compute(self, batch):
        numbers = np.array(batch)
        total = np.full(len(numbers), numbers[np.isfinite(numbers)].sum())
        return np.stack([numbers, numbers**2, total, -numbers, numbers], axis=1)


class Killed(BaseException):
    """Like KeyboardInterrupt: no handler of errors sees it."""


def kill_at(monkeypatch, owner, name, count, *, after=False):
    """Lets call number `count` of a function fail, before or after its work."""
    inner, calls = getattr(owner, name), []

    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == count and not after:
            raise Killed
        value = inner(*arguments, **options)
        if len(calls) == count:
            raise Killed
        return value

    monkeypatch.setattr(owner, name, dying)


def files_of(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def run(folder, out, extractor=None, **sizes):
    return extract(file_entries(folder), extractor or ByteCounts(), out, **SIZES | sizes)
