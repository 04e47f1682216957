"""What can happen to a file: changes that mean nothing, and changes that may mean anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]

_BOM = b"\xef\xbb\xbf"
_HUGE = (b"99999999999999999999", b"9223372036854775807", b"2147483648", b"1e999")
_ODD = (b"-1", b"nan", b"inf", b"", b" ", b"0x1", b'"', b"1.5", b"\0", b"\xff", "\u0663".encode())


def is_text(file: Path) -> bool:
    """Whether a file is lines."""
    return file.suffix not in (".pkl", ".npy", ".gz", ".parquet", ".json")


def neutral(file: Path, layout: str) -> dict[str, Damage]:
    """Changes after which a file says the same."""
    if not is_text(file):
        return {}
    names = file.name.endswith(".ids.txt") or (layout == "prepared" and _holds_names(file))
    names |= file.name == "item_index2entity_id.txt"
    mapping = file.name.endswith(("_mapping.csv", "_list.txt"))
    rows = file.name == "kg.txt" or layout in ("prepared", "megcf", "lightgcn", "kgcn")
    head = 0 if rows and not mapping else 1
    found: dict[str, Damage] = {"CRLF": lambda content, rng: content.replace(b"\n", b"\r\n")}
    if not _begins_with_mark(file):
        found["a byte order mark"] = lambda content, rng: _BOM + content
    if names:
        return found
    found["blank lines at the end"] = lambda content, rng: content + b"\n\n"
    found["a blank line"] = lambda content, rng: _with_lines(content, head, _blank_in, rng)
    found["other order of lines"] = lambda content, rng: _with_lines(content, head, _shuffled, rng)
    found["no line end at the end"] = lambda content, rng: content.removesuffix(b"\n")
    if not (mapping or file.name.startswith(("items.", "movies."))):
        found["a line twice"] = lambda content, rng: _with_lines(content, head, _doubled, rng)
    if not (rows or mapping or b'"' in file.read_bytes()):
        delimiter = b"," if file.suffix == ".csv" else b"\t"
        found["columns turned round"] = lambda content, rng: _turned_round(content, delimiter)
    return found


def _begins_with_mark(file: Path) -> bool:
    """Whether there is a byte order mark already, so that another would be a letter."""
    return file.read_bytes().startswith(_BOM)


def _holds_names(file: Path) -> bool:
    return file.name in ("users.tsv", "items.tsv", "relations.tsv", "entities.tsv")


def _with_lines(content: bytes, head: int, change, rng: np.random.Generator) -> bytes:
    """A change of the lines below the header."""
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    body = lines[head:]
    return b"".join(line + b"\n" for line in (*lines[:head], *(change(body, rng) if body else ())))


def _blank_in(lines, rng):
    place = int(rng.integers(len(lines) + 1))
    return [*lines[:place], b"", *lines[place:]]


def _shuffled(lines, rng):
    return [lines[place] for place in rng.permutation(len(lines))]


def _doubled(lines, rng):
    return [*lines, lines[int(rng.integers(len(lines)))]]


def _dropped(lines, rng):
    place = int(rng.integers(len(lines)))
    return [*lines[:place], *lines[place + 1 :]]


def _turned_round(content: bytes, delimiter: bytes) -> bytes:
    lines = content.removesuffix(b"\n").split(b"\n")
    return b"".join(delimiter.join(line.split(delimiter)[::-1]) + b"\n" for line in lines)


def _field_changed(texts):
    def change(lines, rng):
        place = int(rng.integers(len(lines)))
        mark = next((m for m in (b"\t", b",", b" ") if m in lines[place]), b"\t")
        fields = lines[place].split(mark)
        fields[int(rng.integers(len(fields)))] = texts[int(rng.integers(len(texts)))]
        return [*lines[:place], mark.join(fields), *lines[place + 1 :]]

    return change


def _column_deleted(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.removesuffix(b"\n").split(b"\n")
    mark = next((m for m in (b"\t", b",", b" ") if m in lines[0]), b"\t")
    column = int(rng.integers(len(lines[0].split(mark))))
    kept = (line.split(mark) for line in lines)
    return b"".join(mark.join(w[:column] + w[column + 1 :]) + b"\n" for w in kept)


def _byte_changed(content: bytes, rng: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    for place in rng.integers(0, max(1, len(damaged)), size=min(len(damaged), 2)):
        damaged[place] = int(rng.integers(256))
    return bytes(damaged)


def _bytes_put_in(content: bytes, rng: np.random.Generator) -> bytes:
    place, text = int(rng.integers(len(content) + 1)), _ODD[int(rng.integers(len(_ODD)))]
    return content[:place] + text + content[place:]


def _truncated(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _piece_repeated(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = np.sort(rng.integers(len(content) + 1, size=2)).tolist()
    return content[:end] + content[start:end] + content[end:]


def _of_lines(change) -> Damage:
    return lambda content, rng: _with_lines(content, 0, change, rng)


ANY: dict[str, Damage] = {
    "a line dropped": _of_lines(_dropped),
    "a line doubled": _of_lines(_doubled),
    "lines in another order": _of_lines(_shuffled),
    "a huge number": _of_lines(_field_changed(_HUGE)),
    "an odd field": _of_lines(_field_changed(_ODD)),
    "a column deleted": _column_deleted,
    "bytes changed": _byte_changed,
    "bytes put in": _bytes_put_in,
    "truncated": _truncated,
    "a piece repeated": _piece_repeated,
    "UTF-16": lambda content, rng: content.decode("latin-1").encode("utf-16"),
    "lines ended by CR": lambda content, rng: content.replace(b"\n", b"\r"),
}
