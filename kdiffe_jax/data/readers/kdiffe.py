"""The directory layout of KDiffE and DiffMM.

trnMat.pkl  tstMat.pkl  [valMat.pkl]   pickled scipy sparse matrices, users x items
[image_feat.npy  text_feat.npy ...]    one row an item
[kg.txt]                               item relation entity, one triple a line
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import DataError

FILES = "trnMat.pkl, tstMat.pkl, valMat.pkl, and where there are any *_feat.npy and kg.txt"


def is_kdiffe(path: Path) -> bool:
    """Whether the directory has this layout."""
    return (path / "trnMat.pkl").exists()


def read_kdiffe(path: str | Path, *, name: str, split_seed: int = 0) -> Dataset:
    """Reads the directory; where valMat.pkl is missing, splits validation from train.

    Args:
      path: the directory.
      name: the data set's name.
      split_seed: of the validation split, used only where there is no file.

    Raises:
      DataError: a file is missing or malformed, or files contradict one another.
    """
    path = Path(path)
    train = load_sparse(path / "trnMat.pkl")
    parts = {"train": _pairs(train), "test": _pairs(_like(train, path / "tstMat.pkl"))}
    notes = []
    if (path / "valMat.pkl").exists():
        parts["valid"] = _pairs(_like(train, path / "valMat.pkl"))
    else:
        parts["train"], parts["valid"] = split_validation(parts["train"], seed=split_seed)
        notes.append(
            f"no valMat.pkl: {len(parts['valid'])} training interactions, at most one a user, "
            f"became the validation split (seed {split_seed})"
        )
    n_users, n_items = train.shape
    triples, relations, entities = _read_triples(path / "kg.txt", n_items)
    return Dataset(
        name=name,
        n_users=n_users,
        n_items=n_items,
        n_entities=entities,
        triples=triples,
        relation_names=relations,
        features=load_features(path, n_items),
        notes=tuple(notes),
        **parts,
    )


def split_validation(pairs: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Takes one interaction from every user with at least three, chosen by the seed.

    Returns:
      what is left of train, and validation; both int32[n, 2], sorted.
    """
    order = np.random.default_rng(seed).permutation(len(pairs))
    users, first = np.unique(pairs[order, 0], return_index=True)
    counts = np.bincount(pairs[:, 0])
    chosen = order[first[counts[users] >= 3]]
    held = np.zeros(len(pairs), bool)
    held[chosen] = True
    return pairs[~held], pairs[held]


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


def _read_triples(path: Path, n_items: int) -> tuple[np.ndarray, tuple[str, ...], int]:
    """Triples with relations and entities renumbered from 0, names kept as text."""
    if not path.exists():
        return np.zeros((0, 3), np.int32), (), 0
    rows = read_triple_lines(path)
    if len(rows) and rows[:, 0].max() >= n_items:
        bad = int(np.argmax(rows[:, 0] >= n_items))
        raise DataError(
            f"{path}, triple {bad + 1}: head {rows[bad, 0]} is not one of {n_items} items"
        )
    relations, relation_ids = np.unique(rows[:, 1], return_inverse=True)
    entities, entity_ids = np.unique(rows[:, 2], return_inverse=True)
    triples = np.stack([rows[:, 0], relation_ids, entity_ids], axis=1)
    return sorted_unique(triples), tuple(f"relation {r}" for r in relations), len(entities)


def read_triple_lines(path: Path) -> np.ndarray:
    """int64[n, 3] of `head relation tail` lines; blank lines and # comments are skipped.

    Raises:
      DataError: a line with another number of columns, or not of integers >= 0.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as UTF-8 text: {error}") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) != 3 or not all(w.isdecimal() and len(w) < 19 for w in words):
            raise DataError(
                f"{path}, line {number}: {line.strip()[:60]!r}: expected three integers "
                "`item relation entity`"
            )
        rows.append(words)
    return np.array(rows, np.int64).reshape(-1, 3)
