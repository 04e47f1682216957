"""Synthetic data of N users and N items through every stage: seconds and memory of each.

    python -m benchmarks.large_graphs --out=DIR

For N = 10,000 to 1,000,000, with 20 interactions a user and 8 triples an item: raw tables,
`launch.prepare`, S, 50 training steps by `launch.main`, and one evaluation of 10,000 users
over all items. Each stage is a process of its own, ended when it holds more than --limit_gb
of resident memory. Results are kept in DIR/results.json, and a stage that stands there is
not run again: the same command goes on where it was broken off. Prints the tables and the
exponents, which --report=FILE.md keeps, and draws --figure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.large.figure import draw
from benchmarks.large.report import report
from benchmarks.large.stages import STAGES, command_of, found_in
from benchmarks.large.watched import watch
from benchmarks.written import Report, add_report
from kdiffe_jax.storage.files import replacing

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)

Results = dict[str, dict[str, dict[str, Any]]]


def main() -> int:
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "results.json"
    results: Results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    complete = True
    for size in options.sizes:
        complete &= run_size(size, results, file, options)
    told = Report("benchmarks.large_graphs", __doc__, sys.argv[1:], options.report)
    told.tell_machine()
    told.tell(report(results))
    if options.figure:
        draw(results, options.figure)
        print(f"drawn: {options.figure}")
    return 0 if complete else 1


def run_size(size: int, results: Results, file: Path, options: argparse.Namespace) -> bool:
    """Runs the stages of a size that are not in the results; False where one did not end well."""
    directory, done = options.out / f"{size}", results.setdefault(str(size), {})
    if all(stage in done for stage in STAGES):
        return True
    directory.mkdir(exist_ok=True)
    for stage in STAGES:
        if stage in done:
            continue
        _clear(stage, directory)
        print(f"{size:,}: {stage}", flush=True)
        log = directory / f"{stage}.log"
        watched = watch(command_of(stage, directory, size), log=log, limit_gb=options.limit_gb)
        if watched.above_limit:
            print(f"{size:,}: {stage} went above {options.limit_gb:g} GB: {watched.peak_gb:.1f} GB")
        if watched.status:
            print(f"{size:,}: {stage} ended with status {watched.status}; see {log}")
            return False
        done[stage] = watched._asdict() | found_in(stage, directory)
        with replacing(file) as draft:
            draft.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if not options.keep:
        shutil.rmtree(directory)
    return True


def _clear(stage: str, directory: Path) -> None:
    """Removes what the stage left before, which it would refuse, or take as its work."""
    left = {"prepare": "dataset", "S": "cache", "train": "run"}.get(stage)
    if left:
        shutil.rmtree(directory / left, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="tables, runs and results")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="users, and items")
    parser.add_argument("--limit_gb", type=float, default=24.0, help="GB of 10^9 bytes a stage")
    parser.add_argument("--keep", action="store_true", help="keep the data of a finished size")
    add_report(parser)
    parser.add_argument("--figure", type=Path, help="where to draw the figure, a .png")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
