"""The exit status of a command, whatever ends it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

from kdiffe_jax.errors import DataError, NonFiniteLossError, Preempted
from launch.command import guarded

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DataError("no such file"), 2, "error: no such file\n"),
        (NonFiniteLossError("nan"), 3, "error: nan\n"),
        (KeyboardInterrupt(), 130, "bye\n"),
        (Preempted("all is saved"), 143, "all is saved; the same command continues\n"),
    ],
)
def test_status_and_line(capsys, error, status, said):
    def work():
        raise error

    assert guarded(work, flags.FlagValues(), interrupted="bye") == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("debug", [False, True])
def test_our_own_mistakes_are_one_line_and_show_where_when_asked(capsys, debug):
    values = flags.FlagValues()
    flags.DEFINE_bool("debug", False, "show the traceback of an error", flag_values=values)
    values(["command", f"--debug={debug}"])

    def work():
        raise ZeroDivisionError("division\nby zero")

    assert guarded(work, values, interrupted="bye") == 1
    *before, last = capsys.readouterr().err.splitlines()
    assert last == "error: unexpected ZeroDivisionError: division by zero; --debug shows where"
    assert (before[:1] == ["Traceback (most recent call last):"]) is debug
    assert debug or not before


def of_python(program, shell="", **environment):
    """A program that is run in a shell, with what the shell says of its streams."""
    words = f"{shlex.quote(sys.executable)} {program}{shell}"
    environment = os.environ | environment
    return subprocess.run(
        ["bash", "-c", words], cwd=ROOT, env=environment, capture_output=True, timeout=60
    )


@pytest.mark.parametrize(
    ("coding", "found"), [("ascii", rb"\xb1 \u0416"), ("latin-1", b"\xb1 \\u0416")]
)
def test_what_the_terminal_cannot_show_is_escaped(coding, found):
    program = (
        "-c 'import sys; from absl import flags; from launch.command import guarded; "
        'sys.exit(guarded(lambda: print("\\xb1 \\u0416"), flags.FlagValues(), interrupted=""))\''
    )
    ended = of_python(program, PYTHONIOENCODING=coding)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, found, b"")


@pytest.mark.parametrize(
    ("shell", "status"), [(" >&-", 0), (" 2>&- >&-", 0), ("; exit $?", 0), (" | true", 0)]
)
def test_the_list_of_commands_goes_wherever_it_can(shell, status):
    ended = of_python("-m launch", shell)
    assert ended.returncode == status and ended.stderr == b""


def test_a_mistake_has_its_status_where_no_stream_is_open():
    assert of_python("-m launch.compare nowhere", " >&- 2>&-").returncode == 2


def test_nobody_reads_the_output():
    program = (
        "import sys\n"
        "from absl import flags\n"
        "from launch.command import guarded\n"
        "work = lambda: [print('x' * 99) for _ in range(9999)]\n"
        "sys.exit(guarded(work, flags.FlagValues(), interrupted='bye'))\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdout.readline()
    command.stdout.close()
    errors = command.stderr.read()
    command.stderr.close()
    assert command.wait(timeout=60) == 141 and errors == b""
