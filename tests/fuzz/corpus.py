"""Writes the seeds, one a file of a target, from planted data: python -m tests.fuzz.corpus."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
SEED = "seed-"


def write() -> None:
    """Seeds are made anew; inputs that once were findings stay."""
    for name, target in TARGETS.items():
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
        for old in (CORPUS / name).glob(f"{SEED}*"):
            old.unlink()
        with tempfile.TemporaryDirectory() as directory:
            for file, content in Case(target, Path(directory)).seeds().items():
                (CORPUS / name / f"{SEED}{file}").write_bytes(content)


if __name__ == "__main__":
    write()
