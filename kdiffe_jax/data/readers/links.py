"""Tables whose rows are links: their columns by role, found by a header or by their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.tables.columns import COMMON, TableColumns, plain
from kdiffe_jax.data.tables.delimited import Progress, Table, open_table
from kdiffe_jax.data.tables.ids import GrowingIds
from kdiffe_jax.data.tables.values import numbers
from kdiffe_jax.errors import DataError

# Role -> what headers call it, without case, blanks, `_` and `-`.
HEADERS = {
    "item": (*COMMON["item"], "head", "headid", "subject", "subjectid"),
    "relation": ("relation", "relationid", "relationname", "predicate", "property"),
    "entity": ("entity", "entityid", "tail", "tailid", "value", "object", "objectid"),
    "neighbour": ("neighbour", "neighbor", "neighbourid", "neighborid", "tail", "other"),
    "weight": ("weight", "similarity", "cosine", "score"),
}


class Links(NamedTuple):
    """A table of links.

    Attributes:
      path: the file.
      codes: role -> int32[n], indices into `names`.
      names: role -> the distinct texts.
      weights: float32[n], or None.
      ignored: columns that have no role.
      without_entity: rows that were left out, as their entity is a word for a missing value.
    """

    path: Path
    codes: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    weights: np.ndarray | None
    ignored: tuple[str, ...]
    without_entity: int = 0

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.codes["item"])


def read_links(
    path: str | Path,
    roles: Sequence[str],
    progress: Progress | None = None,
    *,
    opened: Callable[[Path], Table] | None = None,
    columns: TableColumns | None = None,
) -> Links:
    """Reads a table whose columns are the roles in order, then perhaps a weight.

    A header that names all roles may give them in any order, among other columns;
    a table without one has just these columns.

    Args:
      roles: such as ("item", "relation", "entity").
      progress: receives (rows done, bytes done, bytes in all).
      opened: opens the table; by default `open_table`.
      columns: how tables are written, and which words stand for a missing value; these are no
        items and no relations, and links to such an entity are left out. By default there are
        none.

    Raises:
      DataError: other columns, an empty field, a weight that is no finite number.
    """
    columns = columns or TableColumns(missing="")
    opened = opened or partial(
        open_table,
        is_header=lambda names: len(_by_header(names, roles)) >= len(roles),
        separator=columns.field_separator,
        quote=columns.quote,
    )
    table, missing = opened(Path(path)), columns.missing_words
    places = _columns(table, roles)
    ids = {role: GrowingIds(role, () if role == "entity" else missing) for role in roles}
    weights: list[np.ndarray] = []
    for part in table.parts(list(places.values())):
        for role in roles:
            ids[role].add(part.columns[places[role]], part.place)
        if "weight" in places:
            weights.append(_weights(part.columns[places["weight"]], part.place, roles))
        part.report(progress)
    finished = {role: growing.finish() for role, growing in ids.items()}
    links = Links(
        table.path,
        {role: codes for role, (codes, _) in finished.items()},
        {role: names for role, (_, names) in finished.items()},
        np.concatenate(weights) if weights else None,
        tuple(name for name in table.names if name and name not in places.values()),
    )
    return _with_entities(links, missing) if "entity" in roles else links


def _with_entities(links: Links, missing: frozenset[str]) -> Links:
    """The links without those to a word for a missing value."""
    words = [name.strip().lower() in missing for name in links.names["entity"]]
    keep = ~np.array(words, bool)[links.codes["entity"]]
    return links._replace(
        codes={role: codes[keep] for role, codes in links.codes.items()},
        weights=None if links.weights is None else links.weights[keep],
        without_entity=int((~keep).sum()),
    )


def _by_header(names: Sequence[str], roles: Sequence[str]) -> dict[str, str]:
    """Role -> column, for the roles that a header names; the weight only if all are."""
    found: dict[str, str] = {}
    for role in (*roles, "weight"):
        free = [name for name in names if name not in found.values()]
        match = [name for alias in HEADERS[role] for name in free if plain(name) == alias]
        if match and (role != "weight" or len(found) == len(roles)):
            found[role] = match[0]
    return found


def _columns(table: Table, roles: Sequence[str]) -> dict[str, str]:
    found = _by_header(table.names, roles)
    if len(found) >= len(roles):
        return found
    if len(table.names) not in (len(roles), len(roles) + 1):
        raise DataError(
            f"{table.path}: {len(table.names)} columns, expected {', '.join(roles)} and perhaps "
            "weight; or name them so in a header"
        )
    return dict(zip((*roles, "weight"), table.names, strict=False))


def _weights(values, place, roles: Sequence[str]) -> np.ndarray:
    remedy = f"columns are {', '.join(roles)}, weight, and a header names them so; mend it"
    weights = numbers(values, place, "weight", remedy)
    missing = np.isnan(weights)
    if missing.any():
        raise DataError(f"{place(int(np.argmax(missing)))}: the weight is missing; fill it in")
    return weights
