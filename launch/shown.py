"""What is printed at the end of a command, as wide as the terminal; nothing is cut off."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import groupby

from kdiffe_jax.studies.tables import aligned, in_blocks

#: of tables in files and pipes
PLAIN_WIDTH = 100
_EDGES = 4  # that rich leaves beside a table


def width() -> int:
    """Columns of the terminal; `PLAIN_WIDTH` where the output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH


def show(text: str) -> None:
    """Prints lines; on a terminal long ones are broken between words, and indented below."""
    if not sys.stdout.isatty():
        print(text)
        return
    for line in text.split("\n"):
        broken = textwrap.wrap(line, width(), subsequent_indent="    ", break_on_hyphens=False)
        print("\n".join(broken if len(line) > width() else [line]))


def show_markdown(text: str, plain: str | None = None) -> None:
    """Prints Markdown; on a terminal its tables are aligned, and divided where they are too wide.

    Args:
      text: paragraphs and tables.
      plain: what is printed where the output is no terminal; the text itself if omitted.
    """
    if not sys.stdout.isatty():
        print(text if plain is None else plain)
        return
    for in_table, lines in groupby(text.splitlines(), lambda line: line.startswith("|")):
        if in_table:
            header, _, *rows = map(_cells, lines)
            _show_table(header, rows)
        else:
            show("\n".join(lines))


def _cells(line: str) -> list[str]:
    inside = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", inside)]


def _show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    blocks = in_blocks(header, rows, width() - _EDGES)
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print("\n\n".join(aligned(*block) for block in blocks))
        return
    console = Console(highlight=False, markup=False, width=width())
    for head, lines in blocks:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for place, name in enumerate(head):
            table.add_column(name, justify="right" if place else "left", overflow="fold")
        for line in lines:
            table.add_row(*line)
        console.print(table)
