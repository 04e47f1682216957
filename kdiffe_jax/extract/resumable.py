"""The engine: entries -> arrays, part by part, so that a killed extraction can go on.

An unbroken and a killed and continued extraction write the same bytes: parts hold the
same entries, batches do not reach over parts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from kdiffe_jax.errors import DataError, one_line
from kdiffe_jax.extract.entries import Entry, Unreadable, check_file
from kdiffe_jax.extract.journal import Journal
from kdiffe_jax.extract.output import claimed
from kdiffe_jax.extract.results import write_results

PART_SIZE = 256


class Extractor(Protocol):
    """What turns the content of entries into rows.

    Attributes:
      modality: begins the names of the outputs.
      options: all that the rows depend on, as JSON values.
      versions: of the libraries.
      class_names: of the classes whose scores end each row; empty where there are none.
    """

    modality: str
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    class_names: Sequence[str]

    def read(self, content: Path | str) -> Any:
        """Reads and prepares one entry, in any thread. What it raises makes it unreadable."""

    def compute(self, batch: list[Any]) -> np.ndarray:
        """float32[n, width + number of classes] of what `read` gave, one row each."""


class Progress(NamedTuple):
    """How far an extraction is: entries tried, unreadable ones among them, and all."""

    tried: int
    unreadable: int
    total: int


def extract(
    entries: Sequence[Entry],
    extractor: Extractor,
    output: str | Path,
    *,
    batch_size: int = 32,
    part_size: int = PART_SIZE,
    readers: int = 4,
    retry_unreadable: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Extracts what `output` does not hold yet, then writes the arrays of all entries.

    Memory holds one part's rows and two batches of read entries, besides the names.

    Args:
      entries: items with a file or text each.
      output: see `write_results` for the files; `done.tsv` and `parts/` are the journal.
      batch_size: entries that are computed at once.
      part_size: entries after which the rows are stored.
      readers: threads that read ahead.
      retry_unreadable: whether entries that could not be read before are tried again.
      on_progress: called at the start and after each batch.

    Returns:
      the final counts.

    Raises:
      DataError: see `claimed`; no entry could be read; the extractor's own.
    """
    output = Path(output)
    with claimed(output, extractor.options, extractor.versions):
        journal = Journal(output, forget_unreadable=retry_unreadable)
        todo = [entry for entry in entries if journal.place(entry) is None]
        progress = _first_progress(entries, journal)
        on_progress(progress)
        with ThreadPoolExecutor(readers) as pool:
            for start in range(0, len(todo), part_size):
                part = todo[start : start + part_size]
                outcomes, rows = [], []
                for batch, contents in _read_ahead(pool, extractor, part, batch_size):
                    reasons, block = _compute(extractor, contents)
                    rows += [block] if len(block) else []
                    outcomes += zip(batch, reasons, strict=True)
                    progress = progress._replace(
                        tried=progress.tried + len(batch),
                        unreadable=progress.unreadable + sum(map(bool, reasons)),
                    )
                    on_progress(progress)
                journal.add(outcomes, np.concatenate(rows) if rows else np.zeros((0, 0)))
        write_results(entries, journal, extractor.modality, extractor.class_names, output)
    return progress


def _first_progress(entries: Sequence[Entry], journal: Journal) -> Progress:
    places = [place for place in map(journal.place, entries) if place is not None]
    return Progress(len(places), sum(place.row < 0 for place in places), len(entries))


def _read_ahead(
    pool: ThreadPoolExecutor, extractor: Extractor, part: Sequence[Entry], batch_size: int
) -> Iterator[tuple[Sequence[Entry], list[Any]]]:
    """Batches with what was read of them; the next one is read meanwhile."""
    waiting: deque = deque()
    for start in range(0, len(part), batch_size):
        batch = part[start : start + batch_size]
        waiting.append((batch, [pool.submit(_read, extractor, entry) for entry in batch]))
        if len(waiting) > 1:
            batch, reading = waiting.popleft()
            yield batch, [future.result() for future in reading]
    for batch, reading in waiting:
        yield batch, [future.result() for future in reading]


def _read(extractor: Extractor, entry: Entry) -> Any:
    """What `extractor.read` gives, or `Unreadable`: decoders raise anything on a broken file."""
    try:
        if isinstance(entry.content, Path):
            check_file(entry.content)
        return extractor.read(entry.content)
    except Exception as error:
        return Unreadable(one_line(error))


def _compute(extractor: Extractor, contents: list[Any]) -> tuple[list[str], np.ndarray]:
    """Why each entry has no row, or "", and float32[n, width] rows of those that have one."""
    reasons = [str(content) if isinstance(content, Unreadable) else "" for content in contents]
    readable = [n for n, reason in enumerate(reasons) if not reason]
    if not readable:
        return reasons, np.zeros((0, 0), np.float32)
    block = np.asarray(extractor.compute([contents[n] for n in readable]), np.float32)
    if block.ndim != 2 or len(block) != len(readable):
        raise DataError(
            f"{extractor.modality}: the model gives an array of shape {block.shape} for "
            f"{len(readable)} inputs, not a row each; choose another model"
        )
    finite = np.isfinite(block).all(axis=1)
    for n in np.flatnonzero(~finite).tolist():
        reasons[readable[n]] = "the model gives a value that is not finite"
    return reasons, block[finite]
