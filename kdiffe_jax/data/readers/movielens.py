"""The directories of MovieLens, of every age.

ratings.csv movies.csv [tags.csv]      latest, 20M, 25M, 32M: tables with headers
ratings.dat movies.dat [tags.dat]      1M, 10M: `::` between the fields, no header
u.data u.item u.genre                  100K: tabs and `|`, a column of 0 and 1 a genre
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.readers.interaction_table import read_interactions
from kdiffe_jax.data.readers.item_table import join_items, read_item_table, with_new_items
from kdiffe_jax.data.readers.lines import source_directory
from kdiffe_jax.data.readers.link_table import add_triples
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.delimited import Progress, Table, check_content, open_table
from kdiffe_jax.data.tables.in_memory import TableInMemory, table_in_memory
from kdiffe_jax.errors import DataError

_NO_GENRE = ("", "unknown", "(no genres listed)")
_PAIRS = (("ratings.csv", "movies.csv"), ("ratings.dat", "movies.dat"), ("u.data", "u.item"))


def is_movielens(path: Path) -> bool:
    """Whether the directory has one of these layouts."""
    return any(all((path / file).is_file() for file in pair) for pair in _PAIRS)


def read_movielens(
    path: str | Path,
    *,
    name: str,
    columns: TableColumns | None = None,
    progress: Progress | None = None,
) -> Catalogue:
    """Reads the directory: ratings with times, titles, genres, and tags where there are any.

    A tag in capitals is the same tag; each movie has it once. Ratings all count unless
    `min_rating` says otherwise. The splits that lie beside u.data are not read.

    Args:
      name: of the data set.
      columns: what the columns of the tables with headers are called.
      progress: receives (rows done, bytes done, bytes in all) while ratings are read.

    Raises:
      DataError: a file is missing or malformed.
    """
    path, columns = source_directory(path), columns or TableColumns()
    there = [pair for pair in _PAIRS if (path / pair[0]).is_file()]
    ratings, movies = there[0] if there else _PAIRS[0]
    catalogue = read_interactions(
        [path / ratings],
        columns,
        name=name,
        progress=progress,
        opened=None if ratings == "ratings.csv" else partial(_open_ratings, columns=columns),
    )
    opened: dict[str, Callable[[Path], Table]] = {
        "movies.csv": partial(_open_movies, columns=columns),
        "movies.dat": _movies_dat,
        "u.item": _u_item,
    }
    table = read_item_table(path / movies, columns, opened=opened[movies])
    catalogue = join_items(with_new_items(catalogue, table), table)
    tags = path / ratings.replace("ratings", "tags")
    if tags.name.startswith("tags") and tags.is_file():
        catalogue = _add_tags(catalogue, tags, columns)
    return catalogue.extended(files=["u.genre"] if movies == "u.item" else [])


def _open_ratings(file: Path, columns: TableColumns) -> Table:
    return _without_header(file, columns, ("user_id", "item_id", "rating", "timestamp"))


def _without_header(file: Path, columns: TableColumns, names: tuple[str, ...]) -> Table:
    """A table without header or quotes, its columns called so."""
    table = open_table(
        file,
        is_header=lambda first: False,
        separator=columns.field_separator,
        quote="none" if columns.quote == "auto" else columns.quote,
    )
    if len(table.names) != len(names):
        raise DataError(
            f"{table.path}, row 1: {len(table.names)} columns, expected {', '.join(names)}"
        )
    return dataclasses.replace(table, names=names)


def _open_movies(file: Path, columns: TableColumns) -> Table:
    """movies.csv, with nothing where it says that a movie has no genre."""
    table = open_table(file, separator=columns.field_separator, quote=columns.quote)

    def pieces(names: Sequence[str]) -> Iterator[tuple[list, int]]:
        equal, where = arrow().compute.equal, arrow().compute.if_else
        for part in table.parts(names):
            values = list(part.columns.values())
            yield [where(equal(v, _NO_GENRE[-1]), "", v) for v in values], part.bytes_done

    return dataclasses.replace(table, pieces=pieces)


def _movies_dat(file: Path) -> TableInMemory:
    rows = _fields(file, "::", 3)
    genres = [[g for g in row[2].split("|") if g not in _NO_GENRE] for row in rows]
    return _movies(file, rows, genres)


def _u_item(file: Path) -> TableInMemory:
    named = {int(number): genre for genre, number in _genres(file.with_name("u.genre"))}
    rows = _fields(file, "|", 5 + len(named))
    for place, row in enumerate(rows, start=1):
        if not set(row[5:]) <= {"0", "1"}:
            raise DataError(f"{file}, row {place}: genres are 0 or 1, here {' '.join(row[5:])!r}")
    genres = [[named[number] for number, flag in enumerate(row[5:]) if flag == "1"] for row in rows]
    return _movies(file, rows, [[g for g in of if g not in _NO_GENRE] for of in genres])


def _genres(file: Path) -> list[list[str]]:
    rows = _fields(file, "|", 2)
    if [number for _, number in rows] != list(map(str, range(len(rows)))):
        raise DataError(f"{file}: expected `genre|number`, the numbers 0, 1, 2, ... in order")
    return rows


def _movies(file: Path, rows: list[list[str]], genres: list[list[str]]) -> TableInMemory:
    pa = arrow()
    columns: dict[str, Any] = {
        "item_id": pa.array([row[0] for row in rows], pa.string()),
        "title": pa.array([row[1] for row in rows], pa.string()),
        "genres": pa.array(genres, pa.list_(pa.string())),
    }
    return table_in_memory(str(file), pa.table(columns))


def _fields(file: Path, mark: str, number: int) -> list[list[str]]:
    """The fields of every line; old files are not always UTF-8."""
    check_content(file)
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    rows = [line.split(mark) for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    for place, row in enumerate(rows, start=1):
        if len(row) != number:
            raise DataError(
                f"{file}, row {place}: {len(row)} fields with {mark!r} between them, expected "
                f"{number}"
            )
    return rows


def _open_tags(file: Path, columns: TableColumns) -> Table:
    if file.suffix == ".csv":
        return open_table(file, separator=columns.field_separator, quote=columns.quote)
    return _without_header(file, columns, ("user_id", "item_id", "tag", "timestamp"))


def _add_tags(catalogue: Catalogue, file: Path, columns: TableColumns) -> Catalogue:
    """Each movie's tags as a relation, the weight how many users gave it."""
    table = _open_tags(file, columns)
    item = columns.find("item", table.names) or "movieId"
    table.check_columns([item, "tag"])
    given: Counter[tuple[str, str]] = Counter()
    rows = empty = 0
    for part in table.parts([item, "tag"]):
        pairs = zip(part.columns[item].to_pylist(), part.columns["tag"].to_pylist(), strict=True)
        given.update((movie, _plain_tag(tag or "", columns)) for movie, tag in pairs)
        rows += len(part)
    for pair in [pair for pair in given if not pair[1]]:
        empty += given.pop(pair)
    notes = [f"{file.name}: {empty:,} of {rows:,} rows have no tag"] if empty else []
    if not given:
        return catalogue.extended(notes=notes, files=[file.name])
    pa = arrow()
    (movies, tags), counts = zip(*given, strict=True), list(given.values())
    links = table_in_memory(
        str(file), pa.table({"item": movies, "entity": tags, "weight": pa.array(counts)})
    )
    catalogue = add_triples(catalogue, file, "tag", opened=lambda path: links, columns=columns)
    return catalogue.extended(notes=notes)


def _plain_tag(tag: str, columns: TableColumns) -> str:
    """In small letters with single blanks; empty where it stands for none."""
    plain = " ".join(tag.lower().split())
    return "" if plain in columns.missing_words else plain
