"""Where a directory keeps its `.inter` table, of MMRec or RecBole."""

from __future__ import annotations

from pathlib import Path

from kdiffe_jax.errors import DataError


def find_inter(path: Path, name: str) -> Path:
    """`<name>.inter` in the directory, or the only `.inter` file there.

    Raises:
      DataError: there is none, or several of other names.
    """
    named = path / f"{name}.inter"
    if named.is_file():
        return named
    others = sorted(path.glob("*.inter"))
    if len(others) == 1:
        return others[0]
    found = ", ".join(file.name for file in others) or "no .inter file"
    raise DataError(f"{named}: no such file; the directory holds {found}")
