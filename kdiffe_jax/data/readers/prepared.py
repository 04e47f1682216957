"""Our own on-disk format: text tables that a person can write by hand, no pickle.

dataset.json                    name and sizes; checksums, provenance, statistics
train.tsv valid.tsv test.tsv    user <tab> item
[triples.tsv]                   item <tab> relation <tab> entity [<tab> relevant 0/1]
[relations.tsv] [entities.tsv]  one name a line, in the order of the ids
[entity_items.tsv]              entity <tab> item, for entities that are items
[users.tsv] [items.tsv]         the source's own ids, one a line, in the order of the ids
[item_names.tsv] [item_pictures.tsv]   titles and picture addresses, one a line
[<modality>_feat.npy]           one row an item
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.plain_files import (
    first_row,
    read_integers,
    read_names,
    sha256,
    write_integers,
    write_names,
)
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.rows import check_ids, check_number, sorted_unique
from kdiffe_jax.errors import DataError

FORMAT_VERSION = 1
MANIFEST = "dataset.json"
_SIZES = ("users", "items", "entities")
_ANY = np.iinfo(np.int32).max
FILES = "dataset.json, train.tsv, valid.tsv, test.tsv, triples.tsv"
_NAME_FILES = {
    "relation_names": "relations.tsv",
    "entity_names": "entities.tsv",
    "user_ids": "users.tsv",
    "item_ids": "items.tsv",
    "item_names": "item_names.tsv",
    "item_pictures": "item_pictures.tsv",
}


def is_prepared(path: Path) -> bool:
    """Whether the directory has this layout."""
    return (path / MANIFEST).exists()


def read_prepared(path: str | Path, *, name: str | None = None) -> Dataset:
    """Reads and verifies a prepared directory.

    Raises:
      DataError: another format version, a file that is missing, malformed or does not
        match the checksum in the manifest, an id outside the sizes given there.
    """
    path = Path(path)
    manifest = _read_manifest(path / MANIFEST)
    _verify(path, manifest.get("sha256", {}))
    names = {field: read_names(path / file) for field, file in _NAME_FILES.items()}
    triples, relevant = _read_triples(path / "triples.tsv", manifest, len(names["relation_names"]))
    splits = {split: _read_pairs(path / f"{split}.tsv", manifest) for split in SPLITS}
    features = load_features(path, manifest["items"])
    _check_sizes(path, manifest, splits, triples, names, features)
    if not names["relation_names"] and len(triples):
        known = range(triples[:, 1].max() + 1)
        names["relation_names"] = tuple(f"relation {r}" for r in known)
    return Dataset(
        name=name or str(manifest["name"]),
        n_users=manifest["users"],
        n_items=manifest["items"],
        n_entities=manifest["entities"],
        triples=triples,
        relevant=relevant,
        entity_items=_read_entity_items(path / "entity_items.tsv", manifest["entities"]),
        features=features,
        notes=tuple(manifest.get("notes", ())),
        provenance=manifest.get("provenance", {}),
        **names,
        **splits,
    )


def write_prepared(dataset: Dataset, path: str | Path) -> None:
    """Writes the directory under a temporary name, then renames it into place.

    Raises:
      DataError: the directory exists already, or cannot be written.
    """
    path = Path(path)
    refuse_existing(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise DataError(f"{path}: cannot be made: {error.strerror}; choose another") from error
    try:
        _write_files(dataset, draft)
        manifest = _manifest(dataset, draft)
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        draft.chmod(0o755)
        os.rename(draft, path)
    except OSError as error:
        raise DataError(f"{path}: not written: {error.strerror}; nothing was left") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def refuse_existing(path: Path) -> None:
    """Raises DataError where there is something already."""
    if path.exists():
        raise DataError(f"{path}: exists already; choose another directory or remove it")


def _write_files(dataset: Dataset, draft: Path) -> None:
    for split in SPLITS:
        write_integers(draft / f"{split}.tsv", getattr(dataset, split))
    columns = [dataset.triples]
    if dataset.relevant is not None:
        columns.append(dataset.relevant[:, None].astype(np.int32))
    write_integers(draft / "triples.tsv", np.concatenate(columns, axis=1))
    if dataset.entity_items is not None:
        are_items = np.flatnonzero(dataset.entity_items >= 0)
        rows = np.stack([are_items, dataset.entity_items[are_items]], axis=1)
        write_integers(draft / "entity_items.tsv", rows)
    for field, file in _NAME_FILES.items():
        write_names(draft / file, getattr(dataset, field))
    for modality, rows in dataset.features.items():
        np.save(draft / f"{modality}_feat.npy", rows, allow_pickle=False)


def _manifest(dataset: Dataset, draft: Path) -> dict[str, Any]:
    return {
        "format": FORMAT_VERSION,
        "name": dataset.name,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "entities": dataset.n_entities,
        "notes": list(dataset.notes),
        "statistics": dataset.statistics(),
        "triples_per_relation": dataset.triples_per_relation(),
        "provenance": dict(dataset.provenance),
        "sha256": {file.name: sha256(file) for file in sorted(draft.iterdir())},
    }


def _read_manifest(file: Path) -> dict:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: not readable JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_VERSION:
        raise DataError(f'{file}: expected an object with "format": {FORMAT_VERSION}')
    for key in _SIZES:
        size = manifest.get(key)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise DataError(f'{file}: "{key}" must be a whole number, it is {size!r}')
    for key, kind in (("sha256", dict), ("notes", list), ("provenance", dict)):
        if not isinstance(manifest.get(key, kind()), kind):
            raise DataError(f'{file}: "{key}" must be a JSON {kind.__name__}')
    manifest.setdefault("name", file.parent.name)
    return manifest


def _check_sizes(path: Path, manifest: dict, splits: dict, triples, names: dict, features) -> None:
    """Refuses sizes that the other files do not bear out; names and features tell every one."""
    pairs = np.concatenate(list(splits.values()))
    n_items = manifest["items"] if features else len(names["item_ids"])
    told = (len(names["user_ids"]), n_items, len(names["entity_names"]))
    occurring = ((pairs[:, 0],), (pairs[:, 1], triples[:, 0]), (triples[:, 2],))
    for size, number, ids in zip(_SIZES, told, occurring, strict=True):
        if manifest[size] != number:
            check_number(manifest[size], size, str(path / MANIFEST), *ids)


def _verify(path: Path, checksums: dict[str, str]) -> None:
    for file, expected in checksums.items():
        if Path(file).name != file:
            raise DataError(f"{path / MANIFEST}: file name {file!r} leaves the directory")
        if not (path / file).is_file() or sha256(path / file) != expected:
            raise DataError(
                f"{path / file}: missing or changed since it was prepared; prepare it again, "
                f"or delete the sha256 entry in {MANIFEST} if you edited it on purpose"
            )


def _read_pairs(file: Path, manifest: dict) -> np.ndarray:
    rows = read_integers(file, 2)
    limits = (manifest["users"], manifest["items"])
    check_ids(rows, str(file), ("user", "item"), limits, first_row=1)
    return sorted_unique(rows)


def _read_triples(
    file: Path, manifest: dict, n_relations: int
) -> tuple[np.ndarray, np.ndarray | None]:
    if not file.exists():
        return np.zeros((0, 3), np.int32), None
    planted = len(first_row(file).split("\t")) == 4
    rows = read_integers(file, 4 if planted else 3)
    limits = (manifest["items"], n_relations or _ANY, manifest["entities"])
    columns = ("item", "relation (a line of relations.tsv)", "entity")
    check_ids(rows[:, :3], str(file), columns, limits, first_row=1)
    if not planted:
        return sorted_unique(rows), None
    wrong = rows[:, 3] > 1
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{file}, row {row + 1}: the fourth column is {rows[row, 3]}; write 0 or 1")
    ordered = sorted_unique(rows)
    if len(sorted_unique(ordered[:, :3])) != len(ordered):
        raise DataError(f"{file}: a triple is marked both relevant and not; keep one of the two")
    return np.ascontiguousarray(ordered[:, :3]), ordered[:, 3].astype(bool)


def _read_entity_items(file: Path, n_entities: int) -> np.ndarray | None:
    if not file.exists():
        return None
    rows = sorted_unique(read_integers(file, 2))
    if len(rows) and rows[-1, 0] >= n_entities:
        raise DataError(f"{file}: entity {rows[-1, 0]} is outside 0..{n_entities - 1}")
    twice = np.flatnonzero(np.diff(rows[:, 0]) == 0)
    if len(twice):
        raise DataError(f"{file}: entity {rows[twice[0], 0]} is two items; keep one of the lines")
    entity_items = np.full(n_entities, -1, np.int32)
    entity_items[rows[:, 0]] = rows[:, 1]
    return entity_items
