"""Columns of a table -> ratings, times, splits, weights and texts; what is unfit has its row."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.text_of import text_of
from kdiffe_jax.errors import DataError

Place = Callable[[int], str]
LIST_MARK = "\x1e"  #: before a list of a table that keeps lists; no text of one begins with it
_DEEPEST = 2

_SPLITS = {
    "train": 0, "training": 0, "0": 0,
    "valid": 1, "validation": 1, "val": 1, "dev": 1, "1": 1,
    "test": 2, "testing": 2, "2": 2,
}  # fmt: skip


def numbers(values, place: Place, what: str, remedy: str) -> np.ndarray:
    """float32[n], NaN where there is none: empty, null or NaN; true and false are 1 and 0.

    Args:
      values: pyarrow array of text or numbers.
      place: file and row of the value at an index.
      what: what the column holds, and
      remedy: what to do where a value is unfit, both for messages.

    Raises:
      DataError: a value that is no number, or is infinite as float32.
    """
    pa = arrow()
    values = _told_by_words(without_blanks(values))
    index = first_unfit(values, pa.float64())
    if index is None:
        found = values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):
            found = found.astype(np.float32)
        if not np.isinf(found).any():
            return found
        index = int(np.argmax(np.isinf(found)))
    raise DataError(
        f"{place(index)}: {what} {shown(values, index)} is not a finite number; {remedy}"
    )


def _told_by_words(values):
    """Text of true and false alone, in any case, as those; all else as it is."""
    pa = arrow()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    words = pa.compute.utf8_lower(values)
    told = pa.compute.is_in(words, value_set=pa.array(["true", "false", None], words.type))
    return pa.compute.equal(words, "true") if pa.compute.all(told).as_py() else values


def splits(values, place: Place) -> np.ndarray:
    """int8[n]: 0 train, 1 valid, 2 test, from words or from 0, 1 and 2.

    Raises:
      DataError: another value.
    """
    values = without_blanks(values)
    found = np.full(len(values), -1, np.int8)
    if converts(values, arrow().string()):
        encoded = values.cast(arrow().string()).dictionary_encode()
        names = [name.lower() for name in encoded.dictionary.to_pylist()]
        labels = np.array([*(_SPLITS.get(name, -1) for name in names), -1], np.int8)
        found = labels[encoded.indices.fill_null(len(names)).to_numpy()]
    if (found < 0).any():
        index = int(np.argmax(found < 0))
        raise DataError(
            f"{place(index)}: split {shown(values, index)}, expected train, valid or test (or "
            "0, 1 or 2); mend it, or ignore the column with --split_column=none"
        )
    return found


def texts(values, place: Place, list_separators: Sequence[str]) -> list[str]:
    """One text a row, "" where there is none; runs of blanks and line breaks are one blank.

    Args:
      values: pyarrow array of text, numbers, lists of them, or lists of lists.
      place: file and row of the value at an index.
      list_separators: what joins the values of lists, from the innermost lists outwards.

    Raises:
      DataError: values of a type that has no text, or deeper lists.
    """
    pa = arrow()
    try:
        flat = _joined(values, list(list_separators))
    except (pa.ArrowException, ValueError) as error:
        raise _no_text(values, place) from error
    flat = pa.compute.replace_substring_regex(flat.fill_null(""), r"[\s\p{Z}]+", " ")
    return pa.compute.utf8_trim_whitespace(flat).to_pylist()


def _no_text(values, place: Place) -> DataError:
    return DataError(
        f"{place(0)}: cannot read values of type {values.type} as text; store them as text"
    )


def list_texts(values, place: Place) -> list[str]:
    """One list a row as JSON behind `LIST_MARK`, "" for an empty one.

    So its values stay apart, whatever they hold.

    Args:
      values: pyarrow array of lists, or of lists of lists, of text or numbers.
      place: file and row of the value at an index.

    Raises:
      DataError: values of a type that has no text, or deeper lists.
    """
    try:
        if depth(values.type) > _DEEPEST:
            raise ValueError
        lists = text_of(values).to_pylist()
    except (arrow().ArrowException, ValueError) as error:
        raise _no_text(values, place) from error
    return [LIST_MARK + json.dumps(one, ensure_ascii=False) if one else "" for one in lists]


def without_blanks(values):
    """Text without blanks around it and null where nothing is left; all else as it is."""
    pa = arrow()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    values = pa.compute.utf8_trim_whitespace(values)
    return pa.compute.if_else(pa.compute.equal(values, ""), None, values)


def first_unfit(values, kind) -> int | None:
    """The first index that does not convert to a pyarrow type; None where all do."""
    if converts(values, kind):
        return None
    good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        if converts(values[good:middle], kind):
            good = middle
        else:
            bad = middle
    return good


def equals(values, text: str) -> np.ndarray:
    """bool[n]: which values are this text but for blanks around it; none where they are no text."""
    values = without_blanks(values)
    if not (arrow().types.is_string(values.type) or arrow().types.is_large_string(values.type)):
        return np.zeros(len(values), bool)
    return arrow().compute.equal(values, text).fill_null(False).to_numpy(zero_copy_only=False)


def converts(values, kind) -> bool:
    """Whether all values convert to a pyarrow type."""
    pa = arrow()
    try:
        values.cast(kind)
    except pa.ArrowException:
        return False
    return True


def shown(values, index: int) -> str:
    """A value as a message shows it."""
    value = values[index].as_py()
    return "(missing)" if value is None else repr(value)[:60]


def has_text(kind) -> bool:
    """Whether values of a pyarrow type are text, numbers, or lists of them, one in another."""
    types = arrow().types
    if depth(kind) > _DEEPEST:
        return False
    if types.is_dictionary(kind) or _is_list(kind):
        return has_text(kind.value_type)
    if _is_extension(kind):
        return _is_uuid(kind)
    return not (types.is_nested(kind) or types.is_interval(kind) or "binary" in str(kind))


def depth(kind) -> int:
    """How deep a pyarrow type nests lists; 0 where it is none."""
    return 1 + depth(kind.value_type) if _is_list(kind) else 0


def _is_extension(kind) -> bool:
    return isinstance(kind, arrow().BaseExtensionType)


def _is_uuid(kind) -> bool:
    return _is_extension(kind) and "uuid" in str(kind)


def _is_list(kind) -> bool:
    types = arrow().types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _joined(values, separators: list[str]):
    """Lists become text from the inside out; missing values inside them are left out."""
    pa = arrow()
    if _is_uuid(values.type):
        return pa.array([one and str(one) for one in values.to_pylist()], pa.string())
    if not _is_list(values.type):
        return text_of(values)
    *inner, separator = separators
    lists = values.cast(pa.list_(values.type.value_type))
    flat = _joined(lists.flatten(), inner)
    lengths = pa.compute.list_value_length(lists).fill_null(0).to_numpy()
    keep = pa.compute.fill_null(pa.compute.not_equal(flat, ""), False)
    rows = np.repeat(np.arange(len(values)), lengths)[keep.to_numpy(zero_copy_only=False)]
    flat = flat.filter(keep)
    ends = np.searchsorted(rows, np.arange(len(values)), side="right")
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.compute.binary_join(pa.ListArray.from_arrays(offsets, flat), separator)
