"""The directory layout of KGCN, RippleNet, MCCLK and those who share their files.

ratings_final.txt or .npy      user item label; label 1 is an interaction, 0 is none
[kg_final.txt or .npy]         head relation tail; numbers below the number of items are items
[item_index2entity_id.txt]     id entity, a line an item in the order of their numbers
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.lines import count_ids, line_chunks, source_directory
from kdiffe_jax.data.readers.number_rows import numbered, read_number_rows
from kdiffe_jax.data.readers.shared_ids import relations_of_numbers
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import DataError

RATINGS, KG = "ratings_final", "kg_final"
ITEMS = ("item_index2entity_id.txt", "item_index2entity_id_rehashed.txt")
_ENDINGS = (".txt", ".npy")


def is_kgcn(path: Path) -> bool:
    """Whether the directory has this layout."""
    return any((path / f"{RATINGS}{ending}").is_file() for ending in _ENDINGS)


def read_kgcn(path: str | Path, *, name: str) -> Catalogue:
    """Reads the directory, which gives no split.

    Users and items are 0..n - 1; items reach as far as their file of ids, or else as the
    largest that is rated.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path = source_directory(path)
    file = _one_of(path, RATINGS)
    if file is None:
        raise DataError(f"{path / RATINGS}.txt: no such file")
    rows = read_number_rows(file, ("user", "item", "label"))
    liked = _liked(file, rows)
    of_items = next((path / f for f in ITEMS if (path / f).is_file()), None)
    item_ids = _item_ids(of_items) if of_items else ()
    n_items = len(item_ids) or count_ids(file, "item", rows[:, 1])
    if (largest := int(rows[:, 1].max())) >= n_items:
        raise DataError(
            f"{of_items}: {n_items} lines, but {file.name} has item {largest}; the line of an "
            "item stands in the order of their numbers"
        )
    notes = []
    if dropped := len(rows) - len(liked):
        notes.append(
            f"{file.name}: {dropped:,} of {len(rows):,} rows have label 0 and are no interactions"
        )
    relations, graph, lines = _knowledge(path, n_items)
    files = [found.name for found in (file, graph, of_items) if found]
    return Catalogue(
        name=name,
        user_ids=tuple(map(str, range(count_ids(file, "user", rows[:, 0])))),
        item_ids=item_ids or tuple(map(str, range(n_items))),
        interactions=Interactions(liked[:, 0].astype(np.int32), liked[:, 1].astype(np.int32)),
        relations=relations,
        notes=(*notes, *lines),
        files=tuple(files),
    )


def _one_of(path: Path, stem: str) -> Path | None:
    """The text, or else the array, which the programs of this layout make of the text."""
    found = (path / f"{stem}{ending}" for ending in _ENDINGS)
    return next((file for file in found if file.is_file()), None)


def _liked(file: Path, rows: np.ndarray) -> np.ndarray:
    """int64[m, 3]: the rows with label 1."""
    other = rows[:, 2] > 1
    if other.any():
        raise DataError(
            f"{file}: label {rows[other][0, 2]} of user {rows[other][0, 0]}, item "
            f"{rows[other][0, 1]}: labels are 0 or 1; read ratings as a table, with "
            "--source=tables --input=FILE --user_column=0 --item_column=1 --rating_column=2"
        )
    liked = rows[rows[:, 2] == 1]
    if not len(liked):
        raise DataError(f"{file}: no row has label 1; at least one interaction is needed")
    return liked


def _item_ids(file: Path) -> tuple[str, ...]:
    """What the source called each item, in the order of their numbers."""
    lines_of: dict[str, int] = {}
    for first, lines in line_chunks(file):
        for place, line in enumerate(lines, start=first):
            words = line.split()
            if not words:
                continue
            if len(words) != 2:
                raise DataError(
                    f"{file}, line {place}: {line.strip()[:60]!r}: expected an item and its entity"
                )
            if lines_of.setdefault(words[0], place) != place:
                raise DataError(
                    f"{file}, line {place}: item {words[0][:60]!r} is on line "
                    f"{lines_of[words[0]]} already; keep one of the two"
                )
    return tuple(lines_of)


def _knowledge(
    path: Path, n_items: int
) -> tuple[tuple[Relation, ...], Path | None, tuple[str, ...]]:
    file = _one_of(path, KG)
    if file is None:
        return (), None, (f"no {KG}.txt: the source gives no relations",)
    relations, lines = relations_of_numbers(
        read_number_rows(file, ("head", "relation", "tail")),
        n_items,
        file,
        relation_name=numbered("relation", {}),
        entity_name=numbered("entity", {}),
    )
    return relations, file, lines
