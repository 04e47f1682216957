"""Every part of the program against stated alternatives and the machine's ceilings.

python -m benchmarks.run [--only=propagation,knowledge,...] [--sizes=tiktok|sports|small]
    [--repeats=N] [--seconds=S] [--out=FILE.json] [--report=FILE.md] [--nomemory]

Prints Markdown tables; every number is a measurement of that run. Peak memory is that of
a process of its own which sets the part up and runs the one case twice; it is the host's.

On a GPU the ceilings are the GPU's, and torch.sparse runs there too where torch sees it.
JAX_DEFAULT_MATMUL_PRECISION=highest times products whose inputs are not rounded.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax

from benchmarks.ceilings import Ceilings, describe_machine, measure_ceilings
from benchmarks.harness import Part, Row, measure, resident_peak_mb, rows_of
from benchmarks.parts.sizes import SIZES, Sizes
from benchmarks.written import Report, add_report

PARTS = (
    "similarity",
    "propagation",
    "knowledge",
    "contrast",
    "noise",
    "denoiser",
    "reverse",
    "ranking",
    "epoch",
    "start",
    "training",
)


def main(argv: list[str]) -> int:
    """Runs the command."""
    options = _options(argv)
    sizes = SIZES[options.sizes]
    if options.child:
        print(json.dumps(_peak_of(options.child, sizes)))
        return 0
    with tempfile.TemporaryDirectory(prefix="kdiffe-benchmarks-") as directory:
        # Where S is kept; the processes that measure memory share it.
        os.environ["KDIFFE_CACHE"] = directory
        report(argv, options, sizes)
    return 0


def report(argv: list[str], options: argparse.Namespace, sizes: Sizes) -> None:
    """Measures, prints and writes every part that was asked for."""
    machine, ceilings = describe_machine(), measure_ceilings()
    told = Report("benchmarks.run", __doc__, argv, options.report)
    told.tell_machine(f"Sizes of {options.sizes}; ", f"\n{_told(ceilings)}")
    written: dict[str, Any] = {
        "command": ["python", "-m", "benchmarks.run", *argv],
        "machine": machine,
        "ceilings": ceilings._asdict(),
        "sizes": sizes._asdict(),
        "parts": {},
    }
    for name in options.only:
        part = load(name, sizes)
        rows = run_part(name, part, sizes, ceilings, options)
        told.tell("\n".join(section(name, part, rows)))
        written["parts"][name] = {
            "title": part.title,
            "rows": [row._asdict() for row in rows],
            "remarks": part.remarks(rows),
        }
        _write(options.out, written)
        del part
        jax.clear_caches()


def load(name: str, sizes: Sizes) -> Part:
    """The part of that name, set up for some sizes."""
    return importlib.import_module(f"benchmarks.parts.{name}").part(sizes)


def run_part(name: str, part: Part, sizes: Sizes, ceilings: Ceilings, options) -> list[Row]:
    """Times all cases of a part and, unless told not to, measures the memory of each."""
    rounds = min(options.repeats, part.rounds or options.repeats)
    samples = measure(part.cases, rounds=rounds, seconds=options.seconds, check=part.check)
    rows = rows_of(part.cases, samples, ceilings)
    if not options.memory:
        return rows
    for number, (case, row) in enumerate(zip(part.cases, rows, strict=True)):
        if case.memory and row.peak_mb is None:
            rows[number] = row._replace(**_child_peak(f"{name}:{number}", sizes))
    return rows


def _child_peak(child: str, sizes: Sizes) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.run", f"--child={child}", f"--sizes={sizes.name}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _peak_of(child: str, sizes: Sizes) -> dict[str, float]:
    name, _, number = child.partition(":")
    case = load(name, sizes).cases[int(number)]
    before = resident_peak_mb()
    for _ in range(2):
        jax.block_until_ready(case.run())
    return {"peak_mb": resident_peak_mb(), "setup_mb": before}


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--only", type=_part_names, default=PARTS, help=", ".join(PARTS))
    parser.add_argument("--sizes", choices=[*SIZES], default="tiktok")
    parser.add_argument("--repeats", type=int, default=15, help="rounds of each part, at most")
    parser.add_argument("--seconds", type=float, default=60, help="a part's time after 3 rounds")
    parser.add_argument("--out", type=Path, help="where the same numbers go as JSON")
    add_report(parser)
    parser.add_argument("--nomemory", dest="memory", action="store_false", help="no peak memory")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _part_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return names


def _told(ceilings: Ceilings) -> str:
    caches = "" if ceilings.cache is None else f"caches {ceilings.cache / 1e9:.1f} GB/s, "
    return (
        f"Ceilings: memory {ceilings.memory / 1e9:.1f} GB/s, {caches}"
        f"float32 products {ceilings.arithmetic / 1e9:.0f} G operations/s."
    )


def section(name: str, part: Part, rows: list[Row]) -> list[str]:
    """The lines of a part: title, table, remarks."""
    return [
        f"## {name}",
        "",
        part.title,
        "",
        "| case | ms, median (quartiles) | CPU ms | times as fast (range of pairs) "
        "| ceiling ms | reached | first call ms | peak MB (set-up) |",
        "|---|---|---|---|---|---|---|---|",
        *map(_line, rows),
        *(["", *part.remarks(rows)] if part.remarks(rows) else []),
    ]


def _line(row: Row) -> str:
    low, high = row.quartiles
    cells = [
        f"{row.name}{' (baseline)' if row.baseline else ''}",
        f"{_short(row.median)} ({_short(low)}-{_short(high)})",
        _short(row.cpu),
        "-"
        if row.speed is None
        else f"{row.speed:.2f} ({row.speed_range[0]:.2f}-{row.speed_range[1]:.2f})",
        "-" if row.implied is None else f"{_short(row.implied)} {row.bound}",
        "-" if row.reached is None else f"{100 * row.reached:.0f} %",
        "-" if row.first is None else _short(row.first),
        _memory(row),
    ]
    return f"| {' | '.join(cells)} |"


def _memory(row: Row) -> str:
    if row.peak_mb is None:
        return "-"
    return f"{row.peak_mb:.0f}" + ("" if row.setup_mb is None else f" ({row.setup_mb:.0f})")


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.{max(0, 2 - len(str(int(milliseconds))) + 1)}f}"


def _write(file: Path | None, report: dict[str, Any]) -> None:
    if file is None:
        return
    draft = file.with_name(f"{file.name}.partial")
    draft.write_text(json.dumps(report, indent=1) + "\n")
    os.replace(draft, file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
