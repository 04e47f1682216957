"""The files of a directory that no reader took."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_MOST_NAMED = 10


def not_read(directory: Path, read: Collection[str], beside: Collection[Path] = ()) -> list[str]:
    """A line on the files in a directory that are not read, none where all are.

    Args:
      directory: of the source; a single table has nothing beside it that counts.
      read: names of the files that its reader took.
      beside: files that are read for another reason.
    """
    if not directory.is_dir():
        return []
    others = {file.resolve() for file in beside}
    left = sorted(
        file.name
        for file in directory.iterdir()
        if file.is_file()
        and file.name not in read
        and not file.name.startswith((".", "_"))
        and file.resolve() not in others
    )
    if not left:
        return []
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    return [
        f"not read: {', '.join(left[:_MOST_NAMED])}{more}; docs/data.md has the names of files in "
        "each layout, and --items, --triples, --neighbours and --features take any name"
    ]
