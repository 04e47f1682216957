"""Fuzzes the readers: python -m tests.fuzz --seconds=60 [--target=kdiffe --target=prepared].

Needs atheris: pip install -e '.[fuzz]'. A finding is an exception that is not one line of
the program, a file left behind, a process started or code run, a crash, or more than 60
seconds or 3000 MB for one input. Inputs that reach new code are kept in build/fuzz/corpus and
taken up by the next call; findings are in build/fuzz/findings.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.worker import Limits, load, search

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "fuzz"
_IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_ARTIFACTS = ("crash-*", "timeout-*", "oom-*", "leak-*")


class Outcome(NamedTuple):
    """What one target's search came to."""

    target: str
    executions: int
    edges: int  #: of the instrumented code that some input reached
    findings: tuple[str, ...]


def main(argv: Sequence[str]) -> int:
    """Fuzzes the targets one after another.

    Returns:
      0 without findings, 1 with some.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--executions", type=int, default=0, help="for each target, at most")
    parser.add_argument("--target", action="append", help="all by default")
    given = parser.parse_args(argv)
    targets = load()
    if unknown := set(given.target or ()) - set(targets):
        parser.error(f"no target {sorted(unknown)[0]!r}; there are {', '.join(targets)}")
    limits = Limits(given.seconds, given.executions)
    outcomes = []
    print("| target | executions | edges reached | findings |\n|---|---:|---:|---:|", flush=True)
    for name in given.target or targets:
        outcomes.append(_fuzz(name, limits))
        print(_row(outcomes[-1]), flush=True)
    total = sum(outcome.executions for outcome in outcomes)
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    print(f"| in all | {total:,} | | {len(findings)} |", *findings, sep="\n")
    return 1 if findings else 0


def _row(outcome: Outcome) -> str:
    number = len(outcome.findings)
    return f"| {outcome.target} | {outcome.executions:,} | {outcome.edges:,} | {number} |"


def _fuzz(name: str, limits: Limits) -> Outcome:
    """Searches in a fork of this process, which has the readers loaded."""
    found = OUT / "findings" / name
    shutil.rmtree(found, ignore_errors=True)
    place = tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-", dir=_IN_MEMORY)
    with place as directory, tempfile.TemporaryFile("w+", errors="replace") as log:
        child = os.fork()
        if child == 0:
            _become(lambda: search(name, OUT, Path(directory), limits), log.fileno())
        os.waitpid(child, 0)
        log.seek(0)
        said = log.read()
    executions = re.findall(r"stat::number_of_executed_units:\s+(\d+)", said)
    edges = re.findall(r"cov: (\d+)", said)
    if not executions:
        tail = " ".join(said.split())[-300:]
        return Outcome(name, 0, 0, (*_findings(name, found), f"{name}: ended early: {tail}"))
    return Outcome(name, int(executions[-1]), int(edges[-1]), _findings(name, found))


def _become(work: Callable[[], None], output: int) -> None:
    """The child: what it says goes to a file, and it never returns."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _findings(name: str, directory: Path) -> tuple[str, ...]:
    written = directory / "findings.jsonl"
    lines = written.read_text(encoding="utf-8").splitlines() if written.exists() else []
    said = [f"{name}: {f['file']}: {f['where']}: {f['what']}" for f in map(json.loads, lines)]
    files = [file for pattern in _ARTIFACTS for file in sorted(directory.glob(pattern))]
    return (*said, *(f"{name}: {file.name}" for file in files))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
