"""The journal of an extraction: which entry stands in which row of which part.

done.tsv                 part <tab> item <tab> source <tab> version <tab> done or unreadable
                         <tab> reason
parts/part-00000.npy     the rows of a part's done lines, in their order

A part's array is renamed into place before its lines are appended, unreadable entries
first, so that lines that a kill cut off leave fewer done ones than rows. Such a part is
dropped on reading and extracted again.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.extract.entries import Entry
from kdiffe_jax.extract.output import write_whole
from kdiffe_jax.storage.files import replacing

FILE, PARTS = "done.tsv", "parts"
_DONE, _UNREADABLE = "done", "unreadable"
_STATUS = 4


class Place(NamedTuple):
    """Where an entry's row is.

    Attributes:
      part: number of the part.
      row: of its array; -1 where the entry could not be read.
      reason: why not, else empty.
    """

    part: int
    row: int
    reason: str = ""


class Journal:
    """What an output directory holds already. Reading it mends it.

    Args:
      forget_unreadable: whether entries that could not be read count as never tried.

    Raises:
      DataError: done.tsv is no journal.
    """

    def __init__(self, output: Path, *, forget_unreadable: bool = False):
        self._output = output
        self._places: dict[tuple[str, str, str], Place] = {}
        self.next_part = 0
        parts, torn = self._read()
        whole = {n: lines for n, lines in parts.items() if self._has_array(n, lines)}
        for number, lines in whole.items():
            self._place(number, lines, forget_unreadable)
        if torn or len(whole) < len(parts):
            kept = [line for lines in whole.values() for line in lines]
            write_whole(output / FILE, "".join(map(_text, kept)).encode())

    def place(self, entry: Entry) -> Place | None:
        """Where the entry is, None where it was not tried yet."""
        return self._places.get((entry.item, entry.source, entry.version))

    def rows(self, part: int) -> np.ndarray:
        """float32[n, width]: the rows of a part, mapped from its file."""
        return np.load(self._array(part), mmap_mode="r", allow_pickle=False)

    def add(self, outcomes: Sequence[tuple[Entry, str]], rows: np.ndarray) -> None:
        """Stores the next part.

        Args:
          outcomes: each entry with the reason why it could not be read, or "".
          rows: float32[n, width], one for each entry without a reason, in their order.
        """
        number = self.next_part
        file = self._array(number)
        file.unlink(missing_ok=True)
        if len(rows):
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as draft, draft.open("wb") as stream:
                np.lib.format.write_array(stream, rows, allow_pickle=False)
                os.fsync(stream.fileno())
        lines = [
            [str(number), e.item, e.source, e.version, _UNREADABLE if reason else _DONE, reason]
            for e, reason in sorted(outcomes, key=lambda outcome: not outcome[1])
        ]
        with (self._output / FILE).open("ab") as stream:
            stream.write("".join(map(_text, lines)).encode(errors="backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())
        self._place(number, lines, forget_unreadable=False)

    def _read(self) -> tuple[dict[int, list[list[str]]], bool]:
        """Lines by part, and whether the last line was cut."""
        file = self._output / FILE
        content = file.read_bytes() if file.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        parts: dict[int, list[list[str]]] = defaultdict(list)
        try:
            for number, line in enumerate(whole.decode().split("\n")[:-1], start=1):
                columns = line.split("\t")
                if len(columns) != 6 or columns[_STATUS] not in (_DONE, _UNREADABLE):
                    raise ValueError(f"line {number} is no line of it")
                parts[int(columns[0])].append(columns)
        except ValueError as error:
            raise DataError(f"{file}: not a journal of this program: {error}; delete it") from error
        return parts, len(whole) < len(content)

    def _has_array(self, part: int, lines: list[list[str]]) -> bool:
        n_rows = sum(line[_STATUS] == _DONE for line in lines)
        if not n_rows:
            return not self._array(part).exists()
        try:
            return len(self.rows(part)) == n_rows
        except (OSError, ValueError, EOFError):
            return False

    def _place(self, part: int, lines: Iterable[list[str]], forget_unreadable: bool) -> None:
        row = 0
        for _, item, source, version, status, reason in lines:
            if status == _DONE:
                self._places[item, source, version] = Place(part, row)
                row += 1
            elif not forget_unreadable:
                self._places[item, source, version] = Place(part, -1, reason)
        self.next_part = max(self.next_part, part + 1)

    def _array(self, part: int) -> Path:
        return self._output / PARTS / f"part-{part:05d}.npy"


def _text(columns: list[str]) -> str:
    return "\t".join(columns) + "\n"
