"""Where a directory keeps its `.inter` tables, of MMRec or RecBole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdiffe_jax.errors import DataError, listed

_SUFFIX = ".inter"


def stem_of_inter(path: Path, name: str, parts: Sequence[str] = ()) -> str:
    """What a directory's `.inter` files are called: the name, or else what all of them share.

    Args:
      path: the directory.
      name: of the data set.
      parts: of a split that may be in files of their own, `<stem>.<part>.inter`.

    Raises:
      DataError: no file of that name, and none at all or several of other names.
    """
    endings = [f".{part}{_SUFFIX}" for part in parts] + [_SUFFIX]
    if any((path / f"{name}{ending}").is_file() for ending in endings):
        return name
    files = [file.name for file in sorted(path.glob(f"*{_SUFFIX}"))]
    stems = sorted({_without_ending(file, endings) for file in files})
    if len(stems) == 1:
        return stems[0]
    found = listed(files) or f"no {_SUFFIX} file"
    remedy = f"; choose one, as by --name={stems[0]}" if stems else ""
    raise DataError(f"{path / name}{_SUFFIX}: no such file; the directory holds {found}{remedy}")


def _without_ending(file: str, endings: Sequence[str]) -> str:
    return file.removesuffix(next(ending for ending in endings if file.endswith(ending)))
