"""Writes report.html of a finished run again: python -m launch.report --workdir=RUN."""

from __future__ import annotations

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import write_report
from launch import trained
from launch.command import Command


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    absl_flags.DEFINE_string("workdir", None, "run directory of a finished run", flag_values=values)
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", flag_values=values)


def _work(values: FlagValues) -> None:
    trained.needed(values, "workdir")
    print(f"written: {write_report(values.workdir, options_of)}")


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, interrupted="stopped; nothing was written"
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
