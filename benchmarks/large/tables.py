"""Raw tables of a large synthetic data set: N users, N items, 20 interactions a user.

Users and items have groups. An interaction is with an item of the user's group four times
in five, popular items oftener by a power law; every item has one user at least. An item has
eight triples over four relations, three in four of them with entities of its group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

INTERACTIONS_PER_USER = 20
TRIPLES_PER_ITEM = 8
ENTITIES = 4000
RELATIONS = ("brand", "category", "label", "word")
USERS_SCORED = 10_000

_GROUPS = 50
_POPULARITY = 3.0  # an item's share of its group is that of u^3, u uniform
_ROWS_AT_ONCE = 100_000
_DRAWN = 2 * INTERACTIONS_PER_USER


def write_tables(directory: Path, size: int, *, seed: int = 0) -> None:
    """Writes interactions.csv and triples.csv, the same for the same size and seed.

    The first 10,000 users have one interaction for validation and one for the test; all
    others are training.

    Args:
      directory: made where it is missing.
      size: N, users and items.
      seed: of everything that is drawn.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "interactions.csv", _interactions(size, np.random.default_rng([seed, 0])))
    _write(directory / "triples.csv", _triples(size, np.random.default_rng([seed, 1])))


def _write(file: Path, tables: Iterator[pa.Table]) -> None:
    draft, first = file.with_name(f".{file.name}.draft"), next(tables)
    with csv.CSVWriter(draft, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
    draft.rename(file)


def _interactions(size: int, rng: np.random.Generator) -> Iterator[pa.Table]:
    once = rng.permutation(size)
    for begin in range(0, size, _ROWS_AT_ONCE):
        users = np.arange(begin, min(begin + _ROWS_AT_ONCE, size))
        drawn = _of_groups(users, size, _DRAWN, 0.8, rng)
        items = np.concatenate([once[users][:, None], drawn], axis=1)
        kept = _first_distinct(items, INTERACTIONS_PER_USER)
        place = np.cumsum(kept, axis=1)
        scored = kept & (users[:, None] < USERS_SCORED)
        split = np.where(
            scored & (place == 2), "valid", np.where(scored & (place == 3), "test", "")
        )
        rows, columns = np.nonzero(kept)
        split = np.where(split[rows, columns] == "", "train", split[rows, columns])
        yield pa.table(
            {
                "user_id": _names("user", users[rows]),
                "item_id": _names("item", items[rows, columns]),
                "split": pa.array(split),
            }
        )


def triples_of(size: int, *, seed: int = 0) -> np.ndarray:
    """int[n, 3] of (item, relation, entity): those of triples.csv."""
    return np.concatenate(list(_blocks_of_triples(size, np.random.default_rng([seed, 1]))))


def _triples(size: int, rng: np.random.Generator) -> Iterator[pa.Table]:
    for triples in _blocks_of_triples(size, rng):
        items, relations, entities = triples.T
        names = pa.DictionaryArray.from_arrays(pa.array(relations), list(RELATIONS))
        yield pa.table(
            {
                "item_id": _names("item", items),
                "relation": names.cast(pa.string()),
                "entity": _names("entity", entities),
            }
        )


def _blocks_of_triples(size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    of_relation = ENTITIES // len(RELATIONS)
    relation = np.arange(TRIPLES_PER_ITEM) % len(RELATIONS)
    for begin in range(0, size, _ROWS_AT_ONCE):
        items = np.arange(begin, min(begin + _ROWS_AT_ONCE, size))
        entities = _of_groups(items, of_relation, TRIPLES_PER_ITEM, 0.75, rng)
        entities = entities * len(RELATIONS) + relation
        rows, columns = np.nonzero(_first_distinct(entities, TRIPLES_PER_ITEM))
        yield np.stack([items[rows], relation[columns], entities[rows, columns]], axis=1)


def _of_groups(owners: np.ndarray, size: int, count: int, own: float, rng) -> np.ndarray:
    """int[n, count] of 0 .. size - 1, a share `own` of the owner's group, by a power law."""
    shape = (len(owners), count)
    group = np.where(
        rng.random(shape) < own, owners[:, None] % _GROUPS, rng.integers(_GROUPS, size=shape)
    )
    rank = (size // _GROUPS * rng.random(shape) ** _POPULARITY).astype(np.int64)
    return rank * _GROUPS + group


def _first_distinct(values: np.ndarray, most: int) -> np.ndarray:
    """bool[n, k]: the first `most` values of each row that did not stand there before."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    fresh = np.ones(values.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.empty_like(fresh)
    np.put_along_axis(first, order, fresh, axis=1)
    return first & (np.cumsum(first, axis=1) <= most)


def _names(kind: str, numbers: np.ndarray) -> pa.Array:
    text = pa.array(numbers).cast(pa.string())
    return pa.compute.binary_join_element_wise(f"{kind} ", text, "")
