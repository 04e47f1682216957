"""The directory layout of KDiffE, DiffMM and DiffKG.

trnMat.pkl  tstMat.pkl  [valMat.pkl]   pickled scipy sparse matrices, users x items
[image_feat.npy  text_feat.npy ...]    one row an item
[kg.txt]                               item relation entity, one triple a line; in DiffKG
                                       head relation tail, where ids below the number of
                                       items are items
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue, catalogue_of, given_split
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.readers.lines import line_chunks
from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.data.readers.shared_ids import relations_of_numbers
from kdiffe_jax.data.relation import Knowledge, join_relations
from kdiffe_jax.data.rows import check_number, sorted_unique
from kdiffe_jax.data.splits import hold_out_one
from kdiffe_jax.errors import DataError

FILES = "trnMat.pkl, tstMat.pkl, valMat.pkl, and where there are any *_feat.npy and kg.txt"


def is_kdiffe(path: Path) -> bool:
    """Whether the directory has this layout."""
    return (path / "trnMat.pkl").exists()


def read_kdiffe(
    path: str | Path, *, name: str, split_seed: int = 0, shared_ids: bool = False
) -> Dataset:
    """Reads the directory; where valMat.pkl is missing, splits validation from train.

    Args:
      split_seed: of the validation split, used only where there is no file.
      shared_ids: whether ids of kg.txt below the number of items are items, heads and tails
        alike, as `relations_of_nodes` has it; else heads are items and tails never.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    parts, content = _read(Path(path), shared_ids)
    if "valid" in parts:
        return Dataset(name=name, **parts, **content)
    held = hold_out_one(*parts["train"].T, seed=split_seed)
    parts["train"], parts["valid"] = parts["train"][~held], parts["train"][held]
    note = (
        f"no valMat.pkl: {len(parts['valid'])} training interactions, at most one a user, "
        f"became the validation split (seed {split_seed})"
    )
    content["notes"] = (note, *content["notes"])
    return Dataset(name=name, **parts, **content)


def read_kdiffe_source(path: str | Path, *, name: str, shared_ids: bool = False) -> Catalogue:
    """Reads the directory as a source, whose splits may overlap and need no validation.

    Args:
      shared_ids: as for `read_kdiffe`.

    Raises:
      DataError: a file is missing or malformed, or there is nothing to train on.
    """
    parts, content = _read(Path(path), shared_ids)
    none = np.zeros((0, 2), np.int32)
    trained = Dataset(name=name, train=parts["train"], valid=none, test=none, **content)
    return dataclasses.replace(catalogue_of(trained), interactions=given_split(parts))


def _read(path: Path, shared_ids: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The pairs of each split there is, and everything else of a `Dataset` but its name."""
    train = load_sparse(path / "trnMat.pkl")
    parts = {"train": _pairs(train), "test": _pairs(_like(train, path / "tstMat.pkl"))}
    if (path / "valMat.pkl").exists():
        parts["valid"] = _pairs(_like(train, path / "valMat.pkl"))
    n_users, n_items = train.shape
    kg, features = path / "kg.txt", load_features(path, n_items)
    rows = read_triple_lines(kg) if kg.exists() else np.zeros((0, 3), np.int64)
    pairs = np.concatenate(list(parts.values()))
    check_number(n_users, "users", str(path / "trnMat.pkl"), pairs[:, 0])
    if not features:
        check_number(n_items, "items", str(path / "trnMat.pkl"), pairs[:, 1], rows[:, 0])
    knowledge_of = _shared if shared_ids else _separate
    knowledge, notes = knowledge_of(rows, kg, n_items)
    return parts, dict(
        n_users=n_users,
        n_items=n_items,
        n_entities=len(knowledge.entity_names),
        **knowledge._asdict(),
        features=features,
        notes=notes,
    )


def _like(train, path: Path):
    matrix = load_sparse(path)
    if matrix.shape != train.shape:
        raise DataError(
            f"{path}: shape {matrix.shape}, but trnMat.pkl has {train.shape}; "
            "the splits must come from the same data"
        )
    return matrix


def _pairs(matrix) -> np.ndarray:
    return sorted_unique(np.stack([matrix.row, matrix.col], axis=1))


def _separate(rows: np.ndarray, path: Path, n_items: int) -> tuple[Knowledge, tuple[str, ...]]:
    """Heads are items; relations and entities are renumbered from 0 in the order of their ids."""
    if len(rows) and rows[:, 0].max() >= n_items:
        bad = int(np.argmax(rows[:, 0] >= n_items))
        raise DataError(
            f"{path}, triple {bad + 1}: head {rows[bad, 0]} is not one of {n_items} items; "
            "where items and entities share one range of ids, pass --kg_ids=shared"
        )
    relations, relation_ids = np.unique(rows[:, 1], return_inverse=True)
    entities, entity_ids = np.unique(rows[:, 2], return_inverse=True)
    triples = np.stack([rows[:, 0], relation_ids, entity_ids], axis=1)
    knowledge = Knowledge(
        sorted_unique(triples),
        _numbered("relation", relations),
        _numbered("entity", entities),
        entity_items=None,
    )
    return knowledge, ()


def _shared(rows: np.ndarray, path: Path, n_items: int) -> tuple[Knowledge, tuple[str, ...]]:
    """Ids below `n_items` are items, in heads and in tails."""
    found, notes = relations_of_numbers(
        rows,
        n_items,
        path,
        relation_name="relation {}".format,
        entity_name="entity {}".format,
    )
    return join_relations(found, _numbered("item", np.arange(n_items))), notes


def _numbered(what: str, ids: np.ndarray) -> tuple[str, ...]:
    return tuple(f"{what} {number}" for number in ids.tolist())


def read_triple_lines(path: Path) -> np.ndarray:
    """int64[n, 3] of `head relation tail` lines; blank lines and # comments are skipped.

    Raises:
      DataError: a line with another number of columns, or not of integers >= 0; a Git LFS
        pointer; other text than UTF-8.
    """
    chunks = [np.zeros((0, 3), np.int64)]
    for first, lines in line_chunks(path, may_be_empty=True):
        rows = []
        for number, line in enumerate(lines, start=first):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if len(words) != 3 or not all(w.isdecimal() and len(w) < 19 for w in words):
                raise DataError(
                    f"{path}, line {number}: {line.strip()[:60]!r}: expected three integers "
                    "`item relation entity`"
                )
            rows.append(words)
        chunks.append(np.array(rows, np.int64).reshape(-1, 3))
    return np.concatenate(chunks)
