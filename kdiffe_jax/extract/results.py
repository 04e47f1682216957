"""The end of an extraction: parts -> arrays in the order of the entries, and what is missing.

<modality>_feat.npy     float32[n, width], <modality>_feat.ids.txt one item a line
<modality>_labels.npy   float32[n, classes], <modality>_labels.ids.txt, and labels.txt one
                        class a line; where there are class scores
unreadable.tsv          item <tab> source <tab> reason
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.extract.entries import Entry
from kdiffe_jax.extract.journal import Journal, Place
from kdiffe_jax.extract.output import write_whole
from kdiffe_jax.storage.files import replacing

UNREADABLE = "unreadable.tsv"


def write_results(
    entries: Sequence[Entry],
    journal: Journal,
    modality: str,
    class_names: Sequence[str],
    output: Path,
) -> None:
    """Writes the files named above; arrays are filled on disk, part by part.

    An array of before is removed first and the new one comes last, so that a kill never leaves
    rows beside the names of others.

    Args:
      entries: all of them in the journal.
      class_names: of the last columns of the rows.

    Raises:
      DataError: no entry has a row; unreadable.tsv is written all the same.
    """
    tried = [(entry, journal.place(entry)) for entry in entries]
    failed = [(entry, place.reason) for entry, place in tried if place.row < 0]
    found = [(entry, place) for entry, place in tried if place.row >= 0]
    lines = (f"{entry.item}\t{entry.source}\t{reason}\n" for entry, reason in failed)
    write_whole(output / UNREADABLE, "".join(lines).encode(errors="backslashreplace"))
    if not found:
        entry, reason = failed[0]
        raise DataError(
            f"{output / UNREADABLE}: none of {len(failed)} entries could be read; the first, "
            f"{entry.source}: {reason}; mend them, or add --retry_unreadable"
        )
    ids = "".join(f"{entry.item}\n" for entry, _ in found).encode()
    places = [place for _, place in found]
    n_classes = len(class_names)
    width = journal.rows(places[0].part).shape[1] - n_classes
    of_kind = {"feat": slice(0, width), "labels": slice(width, None)}
    arrays = {kind: output / f"{modality}_{kind}.npy" for kind in of_kind}
    for array in arrays.values():
        array.unlink(missing_ok=True)
    if n_classes:
        write_whole(output / "labels.txt", "".join(f"{n}\n" for n in class_names).encode())
    for kind in ("feat", "labels") if n_classes else ("feat",):
        write_whole(output / f"{modality}_{kind}.ids.txt", ids)
        _write_columns(arrays[kind], journal, places, of_kind[kind])


def _write_columns(file: Path, journal: Journal, places: list[Place], columns: slice) -> None:
    parts = np.array([place.part for place in places])
    rows = np.array([place.row for place in places])
    width = journal.rows(parts[0])[:, columns].shape[1]
    with replacing(file) as draft:
        np.lib.format.open_memmap(draft, "w+", np.float32, (len(places), width))
        for part in np.unique(parts).tolist():
            mine = np.flatnonzero(parts == part)
            # Mapped anew for each part, so that no more than its pages stay in memory.
            array = np.lib.format.open_memmap(draft, "r+")
            array[mine] = journal.rows(part)[rows[mine], columns]
