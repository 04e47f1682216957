"""Trains a model and scores it: python -m launch.main --flagfile=launch/tiktok.flags."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TypeAlias

from absl import flags as absl_flags

from launch import flags, help, processes
from launch.command import end, guarded
from launch.parsing import parse

FlagValues: TypeAlias = absl_flags.FlagValues


def main(
    argv: Sequence[str], values: FlagValues | None = None, *, begun: float | None = None
) -> int:
    """Runs one command, any number of times in a process; see `guarded` for the exit status.

    Args:
      argv: the command line.
      values: its flags, not parsed.
      begun: when it began, of `time.perf_counter`; now if omitted.
    """
    given = FlagValues() if values is None else values
    status = guarded(
        lambda: _command(argv, given, begun),
        given,
        interrupted="stopped; the same command continues from the last finished epoch",
    )
    return processes.leave(status)


def _command(argv: Sequence[str], values: FlagValues, begun: float | None) -> None:
    if "--models" in argv[1:]:
        print(help.models_text())
        return
    flags.define(argv, values)
    if help.asked(argv):
        write = help.full_text if help.in_full(argv) else help.help_text
        print(write(argv, values))
        return
    parse(argv, values)
    from launch.one_run import run  # loads all that trains, which a text of help does not need

    run(values, begun=begun)


def entry() -> None:
    """The console command."""
    end(main(sys.argv, begun=time.perf_counter() - processes.seconds_since_start()))


if __name__ == "__main__":
    entry()
