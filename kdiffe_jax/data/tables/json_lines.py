"""Lines of JSON, one object a line, as columns; the old Python literals of Amazon's files too."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.packed import DAMAGED, unpacked
from kdiffe_jax.data.tables.text_of import text_of_one
from kdiffe_jax.errors import DataError

Change = Callable[[dict[str, Any]], Mapping[str, Any]]  #: an object -> what counts of it

_BYTES = 4 << 20
_DEEPEST = 2
_NESTED = (dict, list, tuple)
_decoded = json.JSONDecoder().decode
_UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def column_names(path: Path, change: Change = dict) -> tuple[tuple[str, ...], frozenset[str]]:
    """Keys of all objects in the order in which they first come, and those that hold objects.

    Reads the whole file.

    Raises:
      DataError: as `read_pieces`.
    """
    names: dict[str, None] = {}
    without_text: set[str] = set()
    for rows, _, _ in _chunks(path, change):
        for row in rows:
            names |= dict.fromkeys(row)
            for name, value in row.items():
                if value.__class__ in _NESTED and _depth(value) > _DEEPEST:
                    without_text.add(name)
    return tuple(names), frozenset(without_text)


def read_pieces(
    path: Path, columns: Sequence[str], change: Change = dict
) -> Iterator[tuple[list, int]]:
    """Yields arrays of the columns, null where an object lacks the key, and the bytes done.

    Text, whole numbers, numbers, or lists of text, as the values of some megabytes allow.

    Raises:
      DataError: a line that is no object of JSON, other text than UTF-8, a value that is an
        object, a broken archive.
    """
    for rows, lines, bytes_done in _chunks(path, change):
        if rows:
            arrays = [
                _array([row.get(name) for row in rows], name, path, lines) for name in columns
            ]
            yield arrays, bytes_done


def _chunks(path: Path, change: Change) -> Iterator[tuple[list[Mapping], list[int], int]]:
    """Some objects, the line of each, and how many bytes of the file are done."""
    number = 1
    for text, bytes_done in _texts(path):
        rows, lines = [], []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in Python literals
            for line in text.split("\n"):
                if line and not line.isspace():
                    rows.append(change(_object(line, path, number)))
                    lines.append(number)
                number += 1
        yield rows, lines, bytes_done


def _texts(path: Path) -> Iterator[tuple[str, int]]:
    """Whole lines without the last line end, some megabytes at a time."""
    begun, number = b"", 1
    with path.open("rb") as file:
        stream = unpacked(file)
        while True:
            try:
                content = stream.read(_BYTES)
            except DAMAGED as error:
                reason = " ".join(str(error).split())
                line = f"cannot be read, fetch or write it again: {reason}"
                raise DataError(f"{path}: {line}") from error
            whole, end, rest = (begun + content).rpartition(b"\n")
            if not content:
                whole, end, rest = begun, b"", b""
            if end or not content:
                try:
                    yield whole.decode("utf-8-sig" if number == 1 else "utf-8"), file.tell()
                except UnicodeDecodeError as error:
                    line = number + whole.count(b"\n", 0, error.start)
                    raise DataError(f"{path}, line {line}: not UTF-8 text; save it so") from error
                number += whole.count(b"\n") + 1
            if not content:
                return
            begun = rest


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        try:
            found = _decoded(line)
        except json.JSONDecodeError:
            found = _of_literal(ast.literal_eval(line.strip()))
        if "\\u" in line:
            found = _whole_letters(found)
    except _UNREADABLE as error:
        raise DataError(
            f"{path}, line {number}: {line.strip()[:60]!r} is no object of JSON; one object a "
            "line is needed"
        ) from error
    if not isinstance(found, dict):
        raise DataError(f"{path}, line {number}: {line.strip()[:60]!r}: expected an object of JSON")
    return found


def _whole_letters(found: Any) -> Any:
    """Two halves of a letter become one, a half alone the mark of a letter that is none."""
    text = json.dumps(found, ensure_ascii=False)
    halves = text.encode("utf-16-le", "surrogatepass")
    return json.loads(halves.decode("utf-16-le", "replace"))


def _of_literal(found: Any) -> Any:
    """A value of Python as JSON has it, where that can be."""
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise TypeError("no object with names")
    return found


def _depth(value: Any, room: int = _DEEPEST) -> int:
    """How deep lists nest; more than `_DEEPEST` where there is an object in them."""
    if isinstance(value, list | tuple):
        return 1 + max((_depth(part, room - 1) for part in value if room), default=0)
    return 1 + _DEEPEST if isinstance(value, dict) else 0


def _array(values: list, name: str, path: Path, lines: list[int]):
    pa = arrow()
    kinds = {value.__class__ for value in values} - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {str}:
        return pa.array(values, pa.string())
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pa.array(values, pa.int64())
    if kinds == {float}:
        return pa.array(values, pa.float64())
    depths = [_depth(value) for value in values]
    depth = max(depths)
    if depth > _DEEPEST:
        line = lines[depths.index(depth)]
        raise DataError(f"{path}, line {line}: {name[:60]!r} holds an object; expected text")
    kind = pa.string()
    for _ in range(depth):
        kind = pa.list_(kind)
    try:
        return pa.array([None if v is None else _nested(v, depth) for v in values], kind)
    except ValueError as error:
        raise DataError(f"{path}: {name[:60]!r} holds a number that is too long") from error


def _nested(value: Any, depth: int) -> Any:
    """Text, in lists of one depth; None of NaN."""
    if not depth:
        if isinstance(value, float):
            return text_of_one(value)
        return value if isinstance(value, str) else json.dumps(value, default=str)
    within = value if isinstance(value, list | tuple) else [value]
    return [_nested(part, depth - 1) for part in within if part is not None]
