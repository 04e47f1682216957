"""The directory layout of LightGCN, NGCF, KGAT and those who share their files.

train.txt test.txt [valid.txt]              user item item ...
[kg_final.txt]                              head relation tail; numbers below the number of
                                            items are items, in heads and in tails
[user_list.txt item_list.txt                org_id remap_id ...: what the source called the
 entity_list.txt relation_list.txt]         users, items, entities and relations
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.lines import IdLists, count_ids, read_id_lists, source_directory
from kdiffe_jax.data.readers.number_rows import (
    called,
    numbered,
    read_number_names,
    read_number_rows,
)
from kdiffe_jax.data.readers.shared_ids import relations_of_numbers
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import DataError

KG = "kg_final.txt"
_BESIDE = (KG, "user_list.txt", "item_list.txt", "entity_list.txt", "relation_list.txt")
_VALID = ("valid.txt", "val.txt")
_FEWEST_LINES = 10


def is_lightgcn(path: Path) -> bool:
    """Whether the directory has this layout."""
    return (path / "train.txt").is_file() and (path / "test.txt").is_file()


def read_lightgcn(path: str | Path, *, name: str) -> Catalogue:
    """Reads the directory; the files give the split.

    Users and items are 0..n - 1, up to the largest that occurs in a split or has a name.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path = source_directory(path)
    valid = next((file for file in _VALID if (path / file).is_file()), "")
    splits = {number: f for number, f in enumerate(("train.txt", valid, "test.txt")) if f}
    lists = {number: read_id_lists(path / file) for number, file in splits.items()}
    for number, file in splits.items():
        _refuse_table(path / file, lists[number])
    names = {w: read_number_names(_list_of(path, w)) for w in ("user", "item")}
    n_users = _count(path, "user", [ids.keys for ids in lists.values()], names["user"])
    n_items = _count(path, "item", [ids.values for ids in lists.values()], names["item"])
    relations, notes = _knowledge(path, n_items)
    return Catalogue(
        name=name,
        user_ids=called(range(n_users), names["user"], _list_of(path, "user")),
        item_ids=called(range(n_items), names["item"], _list_of(path, "item")),
        interactions=_joined(lists),
        relations=relations,
        notes=notes,
        files=(*splits.values(), *(file for file in _BESIDE if (path / file).exists())),
    )


def _list_of(path: Path, what: str) -> Path:
    return path / f"{what}_list.txt"


def _count(path: Path, what: str, used: list[np.ndarray], names: dict[int, str]) -> int:
    return max(count_ids(path, what, *used), max(names, default=-1) + 1)


def _refuse_table(file: Path, lists: IdLists) -> None:
    """Refuses `user item rating` and the like, which are lists of numbers too."""
    n_lines, width = len(lists.keys), len(lists.values) / max(1, len(lists.keys))
    few = 2 * len(np.unique(lists.keys)) <= n_lines
    if n_lines < _FEWEST_LINES or not few or width not in (2, 3):
        return
    counts = np.unique(lists.lines, return_counts=True)[1]
    if len(counts) == n_lines and counts.min() == counts.max():
        raise DataError(
            f"{file}: every line has {int(width) + 1} numbers and users have several lines: a "
            "table, not lists of items; read it with --source=tables --input=FILE "
            "--user_column=0 --item_column=1 --rating_column=2"
        )


def _joined(lists: dict[int, IdLists]) -> Interactions:
    sizes = [len(ids.owners) for ids in lists.values()]
    return Interactions(
        users=np.concatenate([ids.owners for ids in lists.values()]),
        items=np.concatenate([ids.values for ids in lists.values()]),
        split=np.repeat(np.array(list(lists), np.int8), sizes),
    )


def _knowledge(path: Path, n_items: int) -> tuple[tuple[Relation, ...], tuple[str, ...]]:
    file, archive = path / KG, path / f"{KG}.zip"
    if archive.exists() and not file.exists():
        raise DataError(f"{archive}: unzip it beside the other files first")
    if not file.exists():
        return (), (f"no {KG}: the source gives no relations",)
    rows = read_number_rows(file, ("head", "relation", "tail"))
    return relations_of_numbers(
        rows,
        n_items,
        file,
        relation_name=numbered("relation", read_number_names(_list_of(path, "relation"))),
        entity_name=numbered("entity", read_number_names(_list_of(path, "entity"))),
    )
