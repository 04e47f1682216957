"""What a command finds, printed and, where --report names a file, written there as Markdown."""

from __future__ import annotations

import argparse
import datetime
import shlex
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ceilings import describe_machine
from kdiffe_jax.storage.files import replacing


def add_report(parser: argparse.ArgumentParser) -> None:
    """Gives a command the option --report."""
    parser.add_argument(
        "--report", type=_markdown, help="FILE.md for the command, the machine and the tables"
    )


def _markdown(text: str) -> Path:
    file = Path(text)
    if file.suffix != ".md":
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .md")
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{file.parent}: no such directory; make it first")
    return file


class Report:
    """Prints what it is given; a file has the same below the command and the machine.

    The file is replaced with every piece, so a command that is broken off leaves what it found.

    Args:
      module: of the command, as `python -m` takes it.
      title: a text whose first line is the heading.
      argv: the command's arguments.
      file: where the report goes; None: it is printed only.
    """

    def __init__(self, module: str, title: str | None, argv: Sequence[str], file: Path | None):
        command = shlex.join(["python", "-m", module, *argv])
        heading = (title or module).splitlines()[0].rstrip(".")
        self._head = [f"# {heading}", f"```\n{command}\n```"]
        self._told: list[str] = []
        self._begun = False
        self._file = file

    def tell(self, text: str) -> None:
        """Prints a piece, such as a table; pieces have an empty line between them."""
        self._told.append(text)
        self._print(text)

    def tell_row(self, text: str) -> None:
        """Prints one more line of the piece that was told last."""
        print(text, flush=True)
        self._told[-1] += f"\n{text}"
        self._write()

    def tell_machine(self, before: str = "", after: str = "") -> None:
        """Prints processor, memory, versions and the day; the file has them above all pieces."""
        found = ", ".join(f"{name} {value}" for name, value in describe_machine().items())
        text = f"{before}{found}, on {datetime.date.today().isoformat()}.{after}"
        self._head.append(text)
        self._print(text)

    def _print(self, text: str) -> None:
        print(f"\n{text}" if self._begun else text, flush=True)
        self._begun = True
        self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        with replacing(self._file) as draft:
            pieces = "\n\n".join([*self._head, *self._told])
            draft.write_text(f"{pieces}\n", encoding="utf-8")
