"""Writes report.html of a finished run again: python -m launch.report --workdir=RUN."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from absl import app
from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.report.page import write_report
from launch import flags, trained
from launch.command import guarded

FLAGS = absl_flags.FLAGS


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    absl_flags.DEFINE_string("workdir", None, "run directory of a finished run", flag_values=values)
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", flag_values=values)


def main(argv: Sequence[str], values: FlagValues = FLAGS) -> int:
    """Runs the command; see `guarded` for the exit status."""
    return guarded(
        lambda: _command(argv, values), values, interrupted="stopped; nothing was written"
    )


def _command(argv: Sequence[str], values: FlagValues) -> None:
    define(values)
    if values is FLAGS:
        app.define_help_flags()
    flags.parse(argv, values)
    trained.needed(values, "workdir")
    print(f"written: {write_report(values.workdir)}")


def entry() -> None:
    """The console command `kdiffe-report`."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
