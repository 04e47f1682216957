"""What a pass costs from 60,000 to 20 million interactions, by model.

    python -m benchmarks.passes --out=DIR [--models=lightgcn,bm3,kdiffe] [--pass_steps=200]
        [--steps=0] [--sizes=3000,...] [--report=FILE.md]

The data sets are those of benchmarks/large_graphs.py: N users, N items, 20 interactions a user,
eight triples an item. A pass is its batches, its steps and what is made anew after them; nothing
is ranked. With --steps=K, K steps are run and counted as often as a pass has them. Results are
kept in DIR/passes.json: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.large.report import exponent
from benchmarks.large.stages import command_of
from benchmarks.large.watched import watch
from benchmarks.written import Report, add_report
from kdiffe_jax.storage.files import replacing

SIZES = (3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
MODELS = ("lightgcn", "bm3", "kdiffe")
GIVEN = ("interactions", "batch", "steps", "steps_run")
MEASURED = ("seconds", "core_seconds", "peak_gb")
DEVICE = "device_gb"  #: of its own memory, which a CPU has not

Results = dict[str, dict[str, dict[str, Any]]]  #: model -> size -> what was found


def main() -> int:
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "passes.json"
    results: Results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for size in options.sizes:
        for model in options.models:
            of_model = results.setdefault(model, {})
            if str(size) in of_model:
                continue
            of_model[str(size)] = measured(model, size, options)
            with replacing(file) as draft:
                draft.write_text(json.dumps(results, indent=1), encoding="utf-8")
    told = Report("benchmarks.passes", __doc__, sys.argv[1:], options.report)
    told.tell_machine()
    told.tell(report(results))
    return 0


def measured(model: str, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """One model on the data of one size, in a process of its own.

    Raises:
      SystemExit: it did not end well.
    """
    directory = options.out / str(size)
    _prepare(directory, size, options)
    if model == "kdiffe":
        _stage("S", directory, size, options)
    found = directory / f"{model}.json"
    cut = [str(options.pass_steps), str(options.steps), str(found)]
    command = [sys.executable, "-m", "benchmarks.large.one_pass", str(directory), str(size), model]
    watched = _watched([*command, *cut], directory / f"{model}.log", options)
    return json.loads(found.read_text(encoding="utf-8")) | {"peak_gb": watched.peak_gb}


def report(results: Results) -> str:
    """A table for each model, with the exponents of what grows."""
    return "\n\n".join(_table(model, of_model) for model, of_model in results.items())


def _table(model: str, of_size: dict[str, dict[str, Any]]) -> str:
    rows = [of_size[size] for size in sorted(of_size, key=int)]
    measured = (*MEASURED, *((DEVICE,) if all(row.get(DEVICE) for row in rows) else ()))
    heads = [model, *(column.replace("_", " ") for column in (*GIVEN, *measured))]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for size, row in zip(sorted(map(int, of_size)), rows, strict=True):
        cells = (_cell(column, row[column]) for column in (*GIVEN, *measured))
        lines.append(f"| {size:,} | {' | '.join(cells)} |")
    interactions = np.array([row["interactions"] for row in rows])
    fitted = [
        exponent(interactions, np.array([row[column] for row in rows])) for column in measured
    ]
    lines.append(
        f"| exponent {'| ' * len(GIVEN)}| {' | '.join(f'{value:.2f}' for value in fitted)} |"
    )
    return "\n".join(lines)


def _cell(column: str, value: float) -> str:
    if column in GIVEN:
        return f"{value:,}"
    return f"{value:.2f}" if column.endswith("_gb") else f"{value:,.{1 if value < 100 else 0}f}"


def _prepare(directory: Path, size: int, options: argparse.Namespace) -> None:
    directory.mkdir(exist_ok=True)
    for stage in ("tables", "prepare"):
        _stage(stage, directory, size, options)


def _stage(stage: str, directory: Path, size: int, options: argparse.Namespace) -> None:
    """Runs a stage of `large_graphs` that this directory has not had."""
    ended = directory / f"{stage}.ended"
    if not ended.exists():
        _watched(command_of(stage, directory, size), directory / f"{stage}.log", options)
        ended.touch()


def _watched(command: list[str], log: Path, options: argparse.Namespace):
    print(f"{log.parent.name}: {log.stem}", flush=True)
    watched = watch(command, log=log, limit_gb=options.limit_gb)
    if watched.status:
        raise SystemExit(f"{log.stem} ended with status {watched.status}; see {log}")
    return watched


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", type=_numbers, default=SIZES)
    parser.add_argument("--models", type=lambda text: tuple(text.split(",")), default=MODELS)
    parser.add_argument("--pass_steps", type=int, default=200, help="0: batches do not grow")
    parser.add_argument("--steps", type=int, default=0, help="that are run; 0: a whole pass")
    parser.add_argument("--limit_gb", type=float, default=24.0)
    add_report(parser)
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
