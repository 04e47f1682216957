"""What is to be extracted: one file, or one text, an item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.data.readers.lines import line_chunks
from kdiffe_jax.data.tables.delimited import open_table
from kdiffe_jax.data.tables.values import texts, without_blanks
from kdiffe_jax.errors import DataError

HEADER = ("item", "file")
_LFS = b"version https://git-lfs"


class Entry(NamedTuple):
    """One item's raw content.

    Attributes:
      item: the item's name, as the interactions have it.
      source: the file as the table or folder names it, or a digest of the text.
      content: the file to read, or the text itself.
      version: size and time of the file's last change; empty for a text, or where there is no
        file. An item whose source or version changes is extracted again.
    """

    item: str
    source: str
    content: Path | str
    version: str = ""


class Unreadable(Exception):
    """One entry can't be read; the message is the reason. Never stops an extraction."""


def file_entries(path: str | Path) -> list[Entry]:
    """Files from a table `item<TAB>file`, or from a folder of files named by item.

    Paths in a table are relative to its folder; a first line `item<TAB>file` is a header.
    In a folder the item is the name without its last suffix; hidden files and folders in
    it are left out.

    Raises:
      DataError: no such table or folder, nothing in it, a malformed line, an item twice.
    """
    path = Path(path)
    return _checked(path, _in_folder(path) if path.is_dir() else _in_table(path))


def text_entries(file: str | Path, item_column: str, text_columns: Iterable[str]) -> list[Entry]:
    """Texts from columns of a table with a header; see `open_table` for its kinds.

    Args:
      item_column: names the item.
      text_columns: joined in this order, a line each; empty ones are left out.

    Raises:
      DataError: see `open_table`; a column that is not there, no rows, an item twice.
    """
    file = Path(file)
    return _checked(file, _in_columns(file, [item_column, *text_columns]))


def check_file(path: Path) -> None:
    """Refuses what is no file with content.

    Raises:
      Unreadable: it is missing, a folder, empty, or a Git LFS pointer.
    """
    if not path.exists():
        raise Unreadable("no such file")
    if not path.is_file():
        raise Unreadable("not a file")
    with path.open("rb") as stream:
        start = stream.read(len(_LFS))
    if not start:
        raise Unreadable("the file is empty")
    if start == _LFS:
        raise Unreadable("a Git LFS pointer, not the file; run `git lfs pull`")


def _in_folder(path: Path) -> Iterator[tuple[str, Entry]]:
    for file in sorted(path.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            yield file.name, _of_file(file.stem, file.name, file)


def _in_table(path: Path) -> Iterator[tuple[str, Entry]]:
    for first, lines in line_chunks(path):
        for number, line in enumerate(lines, start=first):
            columns = tuple(column.strip() for column in line.split("\t"))
            if not line.strip() or (number == 1 and columns == HEADER):
                continue
            if len(columns) != 2 or not all(columns):
                raise DataError(f"{path}, line {number}: expected an item, a tab and a file")
            yield f"line {number}", _of_file(*columns, path.parent / columns[1])


def _of_file(item: str, source: str, file: Path) -> Entry:
    try:
        found = file.stat()
    except OSError:
        return Entry(item, source, file)
    return Entry(item, source, file, f"{found.st_size} {found.st_mtime_ns}")


def _in_columns(file: Path, names: list[str]) -> Iterator[tuple[str, Entry]]:
    for part in open_table(file).parts(names):
        items = without_blanks(part.columns[names[0]]).cast("string").to_pylist()
        columns = (texts(part.columns[name], part.place, "|") for name in names[1:])
        rows = zip(items, *columns, strict=True)
        for row, (item, *parts) in enumerate(rows, start=part.first_row):
            if not item:
                raise DataError(f"{file}, row {row}: no {names[0]}; fill it in or remove the row")
            text = "\n".join(filter(None, parts))
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield f"row {row}", Entry(item, f"text {digest}", text)


def _checked(path: Path, entries: Iterable[tuple[str, Entry]]) -> list[Entry]:
    """The entries, where each item stands once and every name fits into a line of text."""
    places: dict[str, str] = {}
    found = []
    for place, entry in entries:
        if not _fits_a_line(entry.item) or not _fits_a_line(entry.source):
            raise DataError(
                f"{path}, {place!a}: a name with a tab, a line break or bytes that are no UTF-8; "
                "rename it"
            )
        if entry.item in places:
            raise DataError(
                f"{path}, {place}: item {entry.item!r} again, first in {places[entry.item]}; "
                "keep one of the two"
            )
        places[entry.item] = place
        found.append(entry)
    if not found:
        raise DataError(f"{path}: names no items; expected lines `item<TAB>file`, or files")
    return found


def _fits_a_line(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not {"\t", "\n", "\r"} & set(name)
