"""What every command does around its work: flags, help, one line for a mistake, exit status."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from absl import flags

from kdiffe_jax.errors import KDiffEError, NonFiniteLossError, Preempted
from launch import help
from launch.parsing import parse

UNEXPECTED = 1
DIVERGED = 3
PREEMPTED = 128 + signal.SIGTERM


class Command(NamedTuple):
    """A command of this package: `python -m launch.NAME`, or a console script.

    about: what `--help` begins with.
    define: registers its flags, which may depend on the command line.
    work: does everything with the parsed flags, and prints its own results.
    interrupted: what to say on Ctrl-C.
    takes_words: whether the command line may have words that are no flags; `work` receives them
      as a second argument.
    """

    about: str
    define: Callable[[Sequence[str], flags.FlagValues], None]
    work: Callable[..., None]
    interrupted: str = "stopped"
    takes_words: bool = False

    def main(self, argv: Sequence[str], values: flags.FlagValues | None = None) -> int:
        """Runs the command, any number of times in a process; see `guarded` for the exit status."""
        given = flags.FlagValues() if values is None else values

        def run() -> None:
            self.define(argv, given)
            if help.asked(argv):
                print(help.command_text(self.about, argv, given))
                return
            words = parse(argv, given, takes_words=self.takes_words)
            self.work(given, *([words] if self.takes_words else []))

        return guarded(run, given, interrupted=self.interrupted)

    def entry(self) -> None:
        """The console command."""
        end(self.main(sys.argv))


def end(status: int) -> NoReturn:
    """Ends the process.

    After a refusal at once: a thread that still reads for Arrow would abort the interpreter's own
    end, now and then, and so change the status.
    """
    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def guarded(work: Callable[[], None], values: flags.FlagValues, *, interrupted: str) -> int:
    """Runs the work of a command.

    Args:
      work: parses flags and does everything; prints its own results.
      values: its flags; `debug` adds the traceback of a mistake.
      interrupted: what to say on Ctrl-C.

    Returns:
      0 on success, 1 for a fault of the program or the machine, 2 for a user's mistake, 3 for
      a loss that is not finite, 130 when interrupted, 141 when nobody reads what is printed,
      143 when it ended itself at SIGTERM.
    """
    _write_all_that_is_printed()
    try:
        work()
        sys.stdout.flush()
        return 0
    except Preempted as notice:
        print(f"{notice}; the same command continues", file=sys.stderr)
        return PREEMPTED
    except KDiffEError as error:
        _tell(str(error), values)
        return DIVERGED if isinstance(error, NonFiniteLossError) else 2
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The interpreter flushes once more at its end; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        _tell(f"unexpected {reason}; --debug shows where", values)
        return UNEXPECTED


def _write_all_that_is_printed() -> None:
    """Escapes what a stream's encoding lacks; what is printed to a closed stream goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  stays open
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(message: str, values: flags.FlagValues) -> None:
    if values.is_parsed() and values.debug:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
