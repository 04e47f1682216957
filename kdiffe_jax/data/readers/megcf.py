"""The directory layout of MEGCF.

train.txt validation.txt test.txt   user item item ...; train holds the validation pairs too
[i2e_<relation>.txt ...]            item entity entity ...; entities have ids of their own
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.lines import IdLists, count_ids, read_id_lists, source_directory
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.errors import DataError

SPACE = "entities"
_SPLITS = ("train", "validation", "test")
_RELATION = "i2e_"


def is_megcf(path: Path) -> bool:
    """Whether the directory has this layout, relations or none."""
    splits = all((path / f"{split}.txt").is_file() for split in _SPLITS)
    return splits or any(path.glob(f"{_RELATION}*.txt"))


def read_megcf(path: str | Path, *, name: str) -> Catalogue:
    """Reads the directory; pairs of train that are validation pairs too are validation pairs.

    Users and items are 0..n - 1, up to the largest id that occurs in any file. Entities of
    all i2e files are one space, named by their ids, never items.

    Raises:
      DataError: a file is missing or malformed, a test pair is in another split too, or no
        item of a relation is in an interaction.
    """
    path = source_directory(path)
    lists = {split: read_id_lists(path / f"{split}.txt") for split in _SPLITS}
    links = {file: read_id_lists(file) for file in sorted(path.glob(f"{_RELATION}*.txt"))}
    n_users = count_ids(path, "user", *(ids.keys for ids in lists.values()))
    n_items = count_ids(
        path, "item", *(ids.values for ids in lists.values()), *(ids.keys for ids in links.values())
    )
    codes = {s: ids.owners.astype(np.int64) * n_items + ids.values for s, ids in lists.items()}
    for split in ("train", "validation"):
        _refuse_shared(path, split, codes, lists["test"])
    _refuse_unknown(links, np.concatenate([ids.values for ids in lists.values()]))
    in_validation = np.isin(codes["train"], codes["validation"])
    keep = {"train": ~in_validation, "validation": slice(None), "test": slice(None)}
    return Catalogue(
        name=name,
        user_ids=tuple(map(str, range(n_users))),
        item_ids=tuple(map(str, range(n_items))),
        interactions=_joined([(lists[split], keep[split]) for split in _SPLITS]),
        relations=_relations(links),
        notes=_notes(len(np.unique(codes["train"][in_validation])), bool(links)),
        files=(*(f"{split}.txt" for split in _SPLITS), *(file.name for file in links)),
    )


def _refuse_unknown(links: dict[Path, IdLists], items: np.ndarray) -> None:
    for file, ids in links.items():
        if len(ids.keys) and not np.isin(ids.keys, items).any():
            raise DataError(
                f"{file}: none of its {len(np.unique(ids.keys))} items is in an interaction, the "
                f"first is {ids.keys[0]}; use the same numbers in all files"
            )


def _refuse_shared(path: Path, split: str, codes: dict[str, np.ndarray], test: IdLists) -> None:
    shared = np.isin(codes["test"], codes[split])
    if shared.any():
        first, pairs = int(np.argmax(shared)), len(np.unique(codes["test"][shared]))
        others = f", and so are {pairs - 1} more pairs" if pairs > 1 else ""
        raise DataError(
            f"{path / 'test.txt'}, line {test.lines[first]}: user {test.owners[first]}, item "
            f"{test.values[first]} is in {split}.txt too{others}; remove "
            "them from one of the two"
        )


def _joined(parts: list[tuple[IdLists, np.ndarray | slice]]) -> Interactions:
    users = [ids.owners[keep] for ids, keep in parts]
    return Interactions(
        users=np.concatenate(users),
        items=np.concatenate([ids.values[keep] for ids, keep in parts]),
        split=np.repeat(np.arange(len(parts), dtype=np.int8), [len(part) for part in users]),
    )


def _relations(links: dict[Path, IdLists]) -> tuple[Relation, ...]:
    if not links:
        return ()
    ids = np.concatenate([lists.values for lists in links.values()])
    entities, indices = np.unique(ids, return_inverse=True)
    names = tuple(map(str, entities.tolist()))
    ends = np.cumsum([len(lists.values) for lists in links.values()])
    parts = np.split(indices.ravel().astype(np.int32), ends[:-1])
    return tuple(
        Relation(file.stem.removeprefix(_RELATION), lists.owners, part, names, space=SPACE)
        for (file, lists), part in zip(links.items(), parts, strict=True)
    )


def _notes(moved: int, has_links: bool) -> tuple[str, ...]:
    notes = []
    if moved:
        notes.append(
            f"{moved} pairs of train.txt are in validation.txt too, and count as validation"
        )
    if not has_links:
        notes.append("no i2e_*.txt: the source gives no relations")
    return tuple(notes)
