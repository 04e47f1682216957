"""CPU seconds until a model is as good as it gets, ours and what people would use instead.

    python -m benchmarks.time_to_quality --dataset=DIR --out=DIR [--models=lightgcn,bm3,kdiffe]
        [--torch] [--implicit] [--dim=64] [--batch_size=2048] [--learning_rate=0.001]
        [--epochs=150] [--patience=10] [--seed=0] [--threads=N] [--clock=cpu] [--report=FILE.md]
        [--figure=FILE.png]

Systems, one after another, each in a process of its own:

- models of this library, trained by its loop, with their preset "paper" or, as in
  kdiffe:best, another one, but for d, batch size, learning rate, epochs and patience;
- with --torch, LightGCN and BM3 in plain torch.sparse (benchmarks/torch_models), with the same
  options, on the same batches and from the same initial parameters;
- with --implicit, ALS and BPR of the package implicit, with the same d: each setting of a small
  grid is trained, and the one that is best on validation has the curve; a point of ALS is one
  iteration, of BPR five;
- EASE, with every lambda of its grid, a point each.

All have the same training interactions, seen items and held-out items. After each point our own
ranking scores validation; a system ends after `epochs` points, or `patience` of them without a
better recall@20. The test split is scored once, with the best point.

Seconds are of all threads of the process (time.process_time); on an accelerator, where torch
computes too if it sees it, --clock=wall counts those of the wall. Apart, for all alike, are
imports, reading the data, and ranking. Ours begin with the setup: graphs, compilation, which
nothing keeps from before, and checkpoints are counted. Torch begins with its graph; its features,
batches and initial parameters are ready. Peak memory is of the whole process, jax and the ranking
included.

Results are kept in DIR/quality.json, and a system that stands there is not run again: the same
command goes on where it was broken off, and more systems may be added to it. A system that was
broken off begins anew. DIR/SYSTEM.log has its curve while it runs. On a machine that is shared,
threads that wait should sleep: OMP_WAIT_POLICY is PASSIVE unless it is set.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import jax

from benchmarks.ceilings import describe_machine
from benchmarks.large.watched import watch
from benchmarks.quality.curves import CLOCKS
from benchmarks.quality.report import table
from benchmarks.quality.settings import Settings
from benchmarks.quality.systems import run, systems_of
from benchmarks.written import Report, add_report
from kdiffe_jax.data.readers.prepared import read_prepared
from kdiffe_jax.errors import KDiffEError, RunError
from kdiffe_jax.storage.files import replacing

_RESULTS, _PASSIVE = "quality.json", ("env", "OMP_WAIT_POLICY=PASSIVE")


def main(argv: list[str]) -> int:
    """Runs the command; 1 where a system did not end well."""
    options = _options(argv)
    try:
        if options.system:
            _work(options)
            return 0
        return _all_systems(options, argv)
    except KDiffEError as error:
        print(error, file=sys.stderr)
        return 1


def _all_systems(options: argparse.Namespace, argv: list[str]) -> int:
    wanted = systems_of(
        options.models, _settings(options), torch=options.torch, implicit=options.implicit
    )
    options.out.mkdir(parents=True, exist_ok=True)
    kept = _kept(options)
    found, complete = kept["systems"], True
    for system in wanted:
        if system not in found:
            complete &= _run_apart(system, kept, options, argv)
    if found:
        told = Report("benchmarks.time_to_quality", __doc__, argv, options.report)
        told.tell_machine(_of_settings(kept["settings"]))
        told.tell(table(found, options.clock))
        if options.figure:
            from benchmarks.quality.figure import draw

            draw(found, options.figure, options.clock)
            print(f"drawn: {options.figure}")
    return 0 if complete else 1


def _run_apart(
    system: str, kept: dict[str, Any], options: argparse.Namespace, argv: list[str]
) -> bool:
    """Runs a system in a process and keeps what it found; False where it did not end well."""
    print(f"{system} ...", flush=True)
    log, result = options.out / f"{system}.log", options.out / f"{system}.json"
    own = [sys.executable, "-m", "benchmarks.time_to_quality", *argv, f"--system={system}"]
    passive = [] if "OMP_WAIT_POLICY" in os.environ else _PASSIVE
    watched = watch([*passive, *own], log=log, limit_gb=options.limit_gb)
    if watched.status:
        why = f"went above {options.limit_gb:g} GB" if watched.above_limit else "failed"
        print(f"{system} {why}, status {watched.status}; see {log}", flush=True)
        return False
    of_process = {"peak_gb": watched.peak_gb, "core_seconds": watched.core_seconds}
    told = json.loads(result.read_text(encoding="utf-8")) | of_process
    kept["systems"][system] = told | {"load": os.getloadavg()[0]}
    _write(options.out / _RESULTS, kept)
    result.unlink()
    return True


def _work(options: argparse.Namespace) -> None:
    """What the process of a system does."""
    jax.config.update("jax_enable_compilation_cache", False)
    work = options.out / f"{options.system}.work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    data = read_prepared(options.dataset)
    found = run(options.system, data, _settings(options), work)
    _write(options.out / f"{options.system}.json", found.as_json())
    shutil.rmtree(work)


def _kept(options: argparse.Namespace) -> dict[str, Any]:
    """What quality.json has, or its beginning.

    Raises:
      RunError: it cannot be read, or is of other settings or data.
    """
    data = read_prepared(options.dataset)
    of = {"data": data.fingerprint(), "name": data.name} | _settings(options)._asdict()
    file = options.out / _RESULTS
    if not file.exists():
        return {"settings": of, "machine": describe_machine(), "systems": {}}
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        before, _ = kept["settings"], kept["systems"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: not readable: {error}; choose another --out") from error
    other = [name for name, value in of.items() if before.get(name) != value]
    if other:
        raise RunError(f"{file}: has results of another {', '.join(other)}; choose another --out")
    return kept


def _write(file: Path, told: dict[str, Any]) -> None:
    with replacing(file) as draft:
        draft.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _of_settings(settings: dict[str, Any]) -> str:
    told = (f"{name} {value}" for name, value in settings.items() if name not in ("data", "name"))
    return f"{settings['name']}: {', '.join(told)}; "


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(**{name: getattr(options, name) for name in Settings._fields})


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.time_to_quality", description=__doc__)
    parser.add_argument("--dataset", required=True, help="a prepared data set")
    parser.add_argument("--out", required=True, type=Path, help="where results are kept")
    parser.add_argument(
        "--models", type=lambda text: text.split(","), default=["lightgcn", "bm3", "kdiffe"]
    )
    parser.add_argument("--torch", action="store_true", help="torch.sparse forms, too")
    parser.add_argument("--implicit", action="store_true", help="ALS and BPR, too")
    parser.add_argument("--dim", type=int, default=64, help="d of all but EASE")
    parser.add_argument("--batch_size", type=int, default=2048, help="of ours and torch's")
    parser.add_argument("--learning_rate", type=float, default=1e-3, help="of ours and torch's")
    parser.add_argument("--epochs", type=int, default=150, help="at most, or as many points")
    parser.add_argument("--patience", type=int, default=10, help="of all but EASE")
    parser.add_argument("--seed", type=int, default=0, help="of all")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of torch and of implicit"
    )
    parser.add_argument("--clock", choices=[*CLOCKS], default="cpu", help="of seconds")
    parser.add_argument("--limit_gb", type=float, default=24.0, help="GB of 10^9 bytes a system")
    add_report(parser)
    parser.add_argument("--figure", type=Path, help="where to draw the figure, a .png")
    parser.add_argument("--system", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
