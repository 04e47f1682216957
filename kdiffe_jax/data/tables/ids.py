"""Names of users and items -> numbers, a part of a table at a time, names kept as text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.missing import is_missing, without_nan
from kdiffe_jax.data.tables.near_twins import twin_hint
from kdiffe_jax.data.tables.text_of import whole
from kdiffe_jax.errors import DataError

Place = Callable[[int], str]

_MERGE_AT = 1 << 20
# Blank altogether, or with a character that no line of a table could hold.
_UNFIT = r"^[\s\p{Z}]*$|[\x00-\x1f\x7f]"


class GrowingIds:
    """Numbers names 0, 1, ... in the order in which they first come.

    Whole numbers and their text are the same name, at any size. What is held of the
    parts is their numbers and every distinct name, about once.

    Args:
      what: what is named, for messages.
      missing: words that are no names, in lower case.

    >>> import pyarrow
    >>> ids = GrowingIds("user")
    >>> ids.add(pyarrow.array(["bo", "al"]), "row {}".format)
    >>> ids.add(pyarrow.array(["al", "cy"]), "row {}".format)
    >>> codes, names = ids.finish()
    >>> codes.tolist(), names
    ([0, 1, 1, 2], ('bo', 'al', 'cy'))
    """

    def __init__(self, what: str, missing: Collection[str] = ()):
        pa = arrow()
        self._what, self._missing = what, missing
        self._names = pa.array([], pa.string())
        self._codes = [np.zeros(0, np.int32)]
        self._waiting: list = []
        self._names_waiting = 0

    def add(self, values, place: Place) -> None:
        """Takes the names of some rows.

        Args:
          values: pyarrow array of text or whole numbers, which may be stored as floats.
          place: file and row of the values at an index.

        Raises:
          DataError: an empty name, a word for a missing one, one with control characters, or
            values of another type.
        """
        encoded = self._texts(values, place).dictionary_encode()
        self._check(encoded, place)
        self._waiting.append(encoded)
        self._names_waiting += len(encoded.dictionary)
        if self._names_waiting > max(_MERGE_AT, len(self._names)):
            self._merge()

    def finish(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """int32[n], the number of every row's name, and the names by their number."""
        self._merge()
        return np.concatenate(self._codes), tuple(self._names.to_pylist())

    def _merge(self) -> None:
        """Gives the waiting parts numbers that go on from those of the names known so far."""
        pa = arrow()
        known = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self._names)
        try:
            merged = pa.chunked_array([known, *self._waiting]).unify_dictionaries()
        except pa.ArrowException as error:
            raise DataError(f"the {self._what} ids take more than 2 GiB; shorten them") from error
        self._names = merged.chunk(0).dictionary
        self._codes += [chunk.indices.to_numpy() for chunk in merged.chunks[1:]]
        self._waiting, self._names_waiting = [], 0

    def _texts(self, values, place: Place):
        pa = arrow()
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_floating(kind):
            values = _whole(values.cast(kind))
            kind = values.type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
        if not (text or whole or pa.types.is_string_view(kind) or pa.types.is_null(kind)):
            raise DataError(
                f"{place(0)}: {self._what} ids of type {kind}; store them as text or as integers"
            )
        return values.cast(pa.string())

    def _check(self, encoded, place: Place) -> None:
        pa = arrow()
        names = encoded.dictionary
        unfit = pa.compute.or_(
            pa.compute.match_substring_regex(names, _UNFIT), is_missing(names, self._missing)
        ).to_numpy(zero_copy_only=False)
        if not (encoded.null_count or unfit.any()):
            return
        codes = encoded.indices.fill_null(-1).to_numpy()
        index = int(np.argmax((codes < 0) | np.append(unfit, False)[codes]))
        name = encoded[index].as_py() or ""
        if not name.strip():
            raise DataError(
                f"{place(index)}: the {self._what} id is empty; fill it in or remove the row"
            )
        if name.strip().lower() in self._missing:
            raise DataError(
                f"{place(index)}: the {self._what} id '{name}' is a word for a missing value; fill "
                "it in or remove the row; if it is an id, --missing lists the words that are not"
            )
        raise DataError(
            f"{place(index)}: {self._what} id {name[:60]!r} holds a line break, a tab or "
            "another control character; remove it, or close the quote"
        )


def _whole(values):
    """Floats that are all whole numbers as those; else as they are."""
    values = without_nan(values)
    found = whole(values)
    return found if found.null_count == values.null_count else values


def positions(names: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """int32[n]: where each name stands among the known ones, -1 where it does not.

    >>> positions(["b", "x"], ["a", "b"]).tolist()
    [1, -1]
    """
    numbers = {name: number for number, name in enumerate(known)}
    return np.fromiter((numbers.get(name, -1) for name in names), np.int32, len(names))


def known_positions(
    names: Sequence[str], known: Sequence[str], path: Path, what: str = "item"
) -> np.ndarray:
    """`positions` of a file's names, refused where none of them is known.

    Raises:
      DataError: shows one name of the file and one of the known.
    """
    found = positions(names, known)
    if len(names) and not (found >= 0).any():
        raise DataError(
            f"{path}: none of its {len(names)} {what} ids is known; it has {names[0][:60]!r}, but "
            f"the data set has {known[0][:60]!r}{twin_hint(names, known)}; use the same ids in both"
        )
    return found


def unknown_note(
    path: Path,
    names: Sequence[str],
    found: np.ndarray,
    what: str = "item",
    *,
    known: Sequence[str] = (),
) -> str:
    """Says how many names of a file were found nowhere; empty where none.

    Args:
      path: the file.
      names: its names.
      found: int[n], negative for those that were not found.
      what: they name.
      known: where they were sought; says how many look like one of these.
    """
    unknown = np.flatnonzero(found < 0)
    if not len(unknown):
        return ""
    return (
        f"{path.name}: {len(unknown)} of {len(names)} {what} ids are unknown and their rows were "
        f"dropped, the first is {names[unknown[0]][:60]!r}"
        + twin_hint([names[at] for at in unknown.tolist()], known)
    )
