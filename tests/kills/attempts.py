"""Attempts at one training: real commands in processes of their own, killed or not.

A process that has everything imported is forked for each attempt, which saves the seconds
that an interpreter needs to start; no backend of jax runs before the fork.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import launch.main

_SHARED = (
    "--preset=paper --planted_users=60 --planted_items=48 --planted_topics=4 "
    "--planted_interactions_per_user=8 "
    "--planted_triples_per_item=4 --planted_entities_per_topic=2 --dim=8 --batch_size=64 "
    "--epochs=5 --patience=3 --baselines=most_popular"
).split()
_OWN = {"kdiffe": "--denoiser_width=16 --walk_length=5 --walks_per_node=2 --timesteps=3".split()}
_WRITES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod")


class Kill(NamedTuple):
    """When an attempt ends: after seconds, or at one of its changes of files."""

    signal: signal.Signals
    seconds: float | None = None
    at_write: int | None = None


class Ending(NamedTuple):
    """How an attempt ended: its exit status, negative for a signal, and what it printed."""

    status: int
    said: str
    seconds: float


def flags_of(model: str) -> list[str]:
    """A small training of a model."""
    return [*_SHARED, f"--model={model}", *_OWN.get(model, [])]


def attempt(
    flags: list[str], workdir: Path, cache: Path, *, kill: Kill | None = None, clock: float = 0.0
) -> Ending:
    """Runs the training command in `workdir`.

    Args:
      flags: of the training, without --workdir and --cache_dir.
      workdir, cache: the run directory and the directory of caches.
      kill: by what and when; None lets it end.
      clock: seconds that the process's clock is off.
    """
    command = ["main", *flags, f"--workdir={workdir}", f"--cache_dir={cache}"]

    def work() -> int:
        if clock:
            real = time.time
            time.time = lambda: real() + clock
        if kill is not None and kill.at_write is not None:
            _kill_at_write(kill, (str(workdir), str(cache)))
        return launch.main.main(command)

    return in_a_child(work, workdir.with_name(f"{workdir.name}.out"), kill)


def in_a_child(work: Callable[[], int], output: Path, kill: Kill | None = None) -> Ending:
    """Runs a function in a process of its own; what it prints goes to a file."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(work, output)
    if kill is not None and kill.seconds is not None:
        _kill_later(child, kill)
    _, status = os.waitpid(child, 0)
    said = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    return Ending(os.waitstatus_to_exitcode(status), said, time.monotonic() - begun)


def random_kill(rng: random.Random, longest: float, writes: int) -> Kill:
    """Half of the kills at a moment, half of them at a change of a file."""
    by = rng.choice((signal.SIGKILL, signal.SIGTERM))
    if rng.random() < 0.5:
        return Kill(by, seconds=rng.uniform(0.0, longest))
    return Kill(by, at_write=rng.randrange(writes))


def _kill_later(child: int, kill: Kill) -> None:
    deadline = time.monotonic() + kill.seconds
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)
    os.kill(child, kill.signal)


def _become(work: Callable[[], int], output: Path) -> None:
    """The child: never returns."""
    status = 70
    try:
        handle = os.open(output, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _kill_at_write(kill: Kill, places: tuple[str, ...]) -> None:
    done = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal done
        if event not in _WRITES or not str(arguments[0]).startswith(places):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if done == kill.at_write:
            os.kill(os.getpid(), kill.signal)
        done += 1

    sys.addaudithook(hook)
