"""The large synthetic data by one process and by two that share it: seconds and memory of each.

    python -m benchmarks.large.processes --out=DIR

Prepares the data, makes S, and trains a few steps by `launch.main`: alone, by one process
that acts as two devices, and by two processes over loopback. On one machine two processes
share its cores, so what matters is what each of them holds.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.large.stages import command_of
from benchmarks.large.watched import Watched, watch

_ON_TWO = ("--mesh=data:2",)
_TWO_DEVICES = ("env", "XLA_FLAGS=--xla_force_host_platform_device_count=2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--size", type=int, default=300_000, help="users, and as many items")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--limit_gb", type=float, default=24.0, help="of each process")
    options = parser.parse_args()
    for stage, left in {"tables": "raw", "prepare": "dataset", "S": "S.json"}.items():
        if not (options.out / left).exists():
            _watched(options, stage, [command_of(stage, options.out, options.size)])
    print("| | process | s | core s | peak GB |\n|---|---|---|---|---|")
    for name, commands in _trainings(options):
        for number, found in enumerate(_watched(options, name, commands)):
            figures = f"{found.seconds:.0f} | {found.core_seconds:.0f} | {found.peak_gb:.2f}"
            print(f"| {name} | {number} | {figures} |", flush=True)
    return 0


def _trainings(options: argparse.Namespace) -> Iterator[tuple[str, list[list[str]]]]:
    run = command_of("train", options.out, options.size)
    run = [*run, f"--epoch_steps={options.steps}"]
    yield "one device", [run]
    yield "two devices of a process", [[*_TWO_DEVICES, *run, *_ON_TWO]]
    joined = (f"--coordinator=localhost:{_free_port()}", "--num_processes=2")
    yield "two processes", [[*run, *_ON_TWO, *joined, f"--process_id={i}"] for i in range(2)]


def _watched(options: argparse.Namespace, name: str, commands: list[list[str]]) -> list[Watched]:
    """What each of some commands took, all at once; ends where one fails."""
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(options.out / "run", ignore_errors=True)
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
    return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
