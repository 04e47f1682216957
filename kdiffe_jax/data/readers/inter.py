"""What `.inter` tables have in common: where they lie, and which column is which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.errors import DataError

_SPELLINGS = {
    "user": ("userid", "user", "uid"),
    "item": ("itemid", "item", "iid"),
    "rating": ("rating",),
    "time": ("timestamp", "time"),
    "split": ("xlabel",),
}


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


def columns_by_role(
    file: Path, header: Sequence[str], names: Sequence[str], roles: Sequence[str]
) -> dict[str, str]:
    """Role -> column; spelling is lenient, and only user and item must be there.

    Args:
      file: for messages.
      header: the columns as the file has them.
      names: what they are called, types removed.
      roles: those asked for, of user, item, rating, time and split.

    Raises:
      DataError: no user or no item column, or two for one role.

    >>> file, header = Path("a.inter"), ["UserID", "item_id:token", "x_label:float"]
    >>> columns_by_role(file, header, ["UserID", "item_id", "x_label"], ["user", "item", "time"])
    {'user': 'UserID', 'item': 'item_id:token'}
    """
    plain = [name.lower().replace("_", "") for name in names]
    columns = {}
    for role in roles:
        found = [c for c, name in zip(header, plain, strict=True) if name in _SPELLINGS[role]]
        if len(found) > 1:
            raise DataError(f"{file}, line 1: {' and '.join(found)} both name the {role}; keep one")
        if found:
            columns[role] = found[0]
        elif role in ("user", "item"):
            raise DataError(
                f"{file}, line 1: no {role} column; expected one such as {role}_id, "
                f"found {' '.join(header)[:60]!r}"
            )
    return columns


def growing_integers(times: np.ndarray) -> tuple[np.ndarray, str]:
    """Times as int64[n] in the same order; fractions become ranks, which a note says.

    >>> growing_integers(np.array([7.5, 7.25, 9.0]))[0].tolist()
    [1, 0, 2]
    """
    whole = times.astype(np.int64)
    if (whole == times).all():
        return whole, ""
    ranks = np.unique(times, return_inverse=True)[1]
    return ranks.astype(np.int64), "times with fractions of a unit are kept as ranks"
