"""Tables of interactions that are a split: `train.csv` and `test.csv`, perhaps `valid.csv`."""

from __future__ import annotations

from pathlib import Path

from kdiffe_jax.data.tables.delimited import SUFFIXES
from kdiffe_jax.errors import DataError

#: what each part is called, by its number
_NAMES = (("train", "training"), ("valid", "validation", "val", "dev"), ("test", "testing"))


def split_files(directory: Path) -> dict[int, Path]:
    """The table of each part by its number, 0 train, 1 valid, 2 test; empty where there are none.

    Each is called as its part, or as something the same in all of them before a `.`, `_` or `-`,
    as `Beauty.train.csv` is. Lists of numbers (`.txt`) are of other layouts.

    Raises:
      DataError: two tables of one part, or tables of several splits.
    """
    found: dict[str, dict[int, Path]] = {}
    for file in sorted(directory.iterdir()):
        stem, part = _part_of(file)
        if part is None:
            continue
        tables = found.setdefault(stem, {})
        if part in tables:
            raise DataError(f"{directory}: has {tables[part].name} and {file.name}; keep one")
        tables[part] = file
    splits = [tables for tables in found.values() if {0, 2} <= tables.keys()]
    if len(splits) > 1:
        names = " and ".join(tables[0].name for tables in splits)
        raise DataError(f"{directory}: has {names}; keep one split")
    return dict(sorted(splits[0].items())) if splits else {}


def _part_of(file: Path) -> tuple[str, int | None]:
    """What stands before the name of the part, and its number; None where it is no part."""
    endings = [s for s in SUFFIXES if file.name.lower().endswith(s) and not s.startswith(".txt")]
    if not endings or not file.is_file():
        return "", None
    name = file.name[: -len(max(endings, key=len))]
    for number, words in enumerate(_NAMES):
        for word in words:
            stem = name[: -len(word)]
            if name.lower().endswith(word) and (not stem or stem[-1] in "._-"):
                return stem, number
    return "", None
