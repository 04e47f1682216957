"""The large synthetic data by one process and by two that share it: seconds and memory of each.

    python -m benchmarks.large.processes --out=DIR

Prepares the data and makes S. Then the data are read, graphs and ranking tasks made and the
batches of one epoch laid, by one process for one device, by one that acts as two, and by two
over loopback. With --steps=N, `launch.main` trains N steps in each of the three ways, too. On
one machine two processes share its cores, so what matters is what each of them holds.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax

from benchmarks.large.stages import command_of
from benchmarks.large.watched import Watched, watch
from benchmarks.written import Report, add_report
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.parallel.shares import share_of_process
from kdiffe_jax.training.placement import OneDevice
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.setup import build_setup

_TWO_DEVICES = ("env", "XLA_FLAGS=--xla_force_host_platform_device_count=2")
_MESH = "data:2"
_ADDRESS, _NUMBER = "--coordinator=", "--process_id="
_WAYS = {"one device": 1, "two devices of a process": 1, "two processes": 2}
_PARTS = ("start", "read", "graphs and tasks", "batches")


def main(argv: list[str]) -> int:
    options = _options(argv)
    if options.way:
        print(json.dumps(_work(options)))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    for stage, left in {"tables": "raw", "prepare": "dataset", "S": "S.json"}.items():
        if not (options.out / left).exists():
            _watched(options, stage, [command_of(stage, options.out, options.size)])
    told = Report("benchmarks.large.processes", __doc__, argv, options.report)
    told.tell(f"| s, and most GB so far | process | {' | '.join(_PARTS)} |\n{'|---' * 6}|")
    for way in _WAYS:
        for number, log in enumerate(_watched(options, way, _workers(options, way))[1]):
            lines = log.read_text(encoding="utf-8").splitlines()
            found = json.loads(next(line for line in lines if line.startswith("[[")))
            cells = (f"{seconds:.1f}, {peak:.2f}" for seconds, peak in found)
            told.tell_row(f"| {way} | {number} | {' | '.join(cells)} |")
    if options.steps:
        told.tell("| training | process | s | core s | peak GB |\n|---|---|---|---|---|")
        for way in _WAYS:
            for number, found in enumerate(_watched(options, way, _trainings(options, way))[0]):
                figures = f"{found.seconds:.0f} | {found.core_seconds:.0f} | {found.peak_gb:.2f}"
                told.tell_row(f"| {way} | {number} | {figures} |")
    told.tell_machine()
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--size", type=int, default=1_000_000, help="users, and as many items")
    parser.add_argument("--steps", type=int, default=0, help="of a training by launch.main")
    parser.add_argument("--limit_gb", type=float, default=24.0, help="of each process")
    add_report(parser)
    parser.add_argument("--way", choices=_WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--coordinator", help=argparse.SUPPRESS)
    parser.add_argument("--process_id", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _work(options: argparse.Namespace) -> list[tuple[float, float]]:
    """Seconds of each part in this process, and the most GB that it held until its end."""
    if options.coordinator:
        jax.distributed.initialize(options.coordinator, 2, options.process_id)
    found: list[tuple[float, float]] = []
    done: list[Any] = []

    def part(work):
        begun = time.perf_counter()
        done.append(work())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        found.append((time.perf_counter() - begun, peak))
        return done[-1]

    part(lambda: None)
    data = part(
        lambda: read_dataset(options.out / "dataset", name="large", share=share_of_process())
    )
    alone = options.way == "one device"
    placement = OneDevice() if alone else OnMesh(build_mesh(_MESH), data.share)
    settings = dict(cache_dir=options.out / "cache", log=lambda line: None, placement=placement)
    setup = part(lambda: build_setup(data, make_config(), **settings))
    part(lambda: jax.block_until_ready(placement.batches(setup.sampler, 0)))
    return found


def _workers(options: argparse.Namespace, way: str) -> list[list[str]]:
    own = [sys.executable, "-m", "benchmarks.large.processes", f"--out={options.out}"]
    return list(_of_way(way, [*own, f"--way={way}"], []))


def _trainings(options: argparse.Namespace, way: str) -> list[list[str]]:
    shutil.rmtree(options.out / "run", ignore_errors=True)
    own = [*command_of("train", options.out, options.size), f"--epoch_steps={options.steps}"]
    return list(_of_way(way, own, [f"--mesh={_MESH}"]))


def _of_way(way: str, own: list[str], on_mesh: list[str]) -> Iterator[list[str]]:
    if way == "one device":
        yield own
    elif way == "two devices of a process":
        yield [*_TWO_DEVICES, *own, *on_mesh]
    else:
        joined = [f"{_ADDRESS}localhost:{_free_port()}"]
        if on_mesh:
            joined = [*on_mesh, *joined, "--num_processes=2"]
        yield from ([*own, *joined, f"{_NUMBER}{number}"] for number in range(2))


def _watched(
    options: argparse.Namespace, name: str, commands: list[list[str]]
) -> tuple[list[Watched], list[Path]]:
    """What each of some commands took, all at once, and what it printed; ends where one fails."""
    logs = [options.out / f"{name.replace(' ', '-')}-{i}.log" for i in range(len(commands))]
    with ThreadPoolExecutor(len(commands)) as threads:
        found = list(
            threads.map(
                lambda command, log: watch(command, log=log, limit_gb=options.limit_gb),
                commands,
                logs,
            )
        )
    for watched, log in zip(found, logs, strict=True):
        if watched.status:
            sys.exit(f"{name} ended with status {watched.status}; see {log}")
    return found, logs


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
