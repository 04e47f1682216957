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
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.plain_files import (
    line_at,
    part_of_lines,
    read_integers,
    read_names,
    sha256,
    write_integers,
    write_names,
)
from kdiffe_jax.data.readers.arrays import feature_file_name, load_features
from kdiffe_jax.data.readers.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    SIZES,
    digest_of,
    read_manifest,
    verify_files,
    verify_rows,
)
from kdiffe_jax.data.readers.prepared_triples import read_entity_items, read_triples
from kdiffe_jax.data.rows import check_ids, check_number, sorted_unique
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.files import new_directory

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


class _Files(NamedTuple):
    """What stands in a directory; of the splits, one process's lines, and later its users'."""

    manifest: dict[str, Any]
    names: dict[str, tuple[str, ...]]
    triples: np.ndarray
    relevant: np.ndarray | None
    features: dict[str, np.ndarray]
    splits: dict[str, np.ndarray]


def read_prepared(path: str | Path, *, name: str | None = None, share: Share = ALONE) -> Dataset:
    """Reads and verifies a prepared directory.

    Of several processes, each reads its part of the lines of the three splits, and gets
    from the others what belongs to its users.

    Raises:
      DataError: another format version, a file that is missing, malformed or does not
        match the checksum in the manifest, an id outside the sizes given there; a RunError
        on processes that found nothing themselves.
    """
    path = Path(path)
    files = share.all_or_none(lambda: _read_files(path, share))
    share.check_alike(digest_of(files.manifest), str(path / MANIFEST))
    own = {s: _of_own_users(rows, files.manifest, share) for s, rows in files.splits.items()}
    files = files._replace(splits=own)
    verify_rows(path, files.manifest, files.splits, share)
    _check_sizes(path, files, share)
    return share.all_or_none(lambda: _dataset(path, name, files, share))


def _dataset(path: Path, name: str | None, files: _Files, share: Share) -> Dataset:
    manifest, names, triples, relevant, features, splits = files
    if not names["relation_names"] and len(triples):
        known = range(triples[:, 1].max() + 1)
        names["relation_names"] = tuple(f"relation {r}" for r in known)
    return Dataset(
        name=name or str(manifest.get("name", path.name)),
        n_users=manifest["users"],
        n_items=manifest["items"],
        n_entities=manifest["entities"],
        triples=triples,
        relevant=relevant,
        entity_items=read_entity_items(path / "entity_items.tsv", manifest["entities"]),
        features=features,
        share=share,
        notes=tuple(manifest.get("notes", ())),
        provenance=manifest.get("provenance", {}),
        **names,
        **splits,
    )


def _read_files(path: Path, share: Share) -> _Files:
    manifest = read_manifest(path / MANIFEST)
    verify_files(path, manifest, share)
    names = {field: read_names(path / file) for field, file in _NAME_FILES.items()}
    triples, relevant = read_triples(path / "triples.tsv", manifest, len(names["relation_names"]))
    return _Files(
        manifest,
        names,
        triples,
        relevant,
        load_features(path, manifest["items"]),
        {split: _read_pairs(path / f"{split}.tsv", manifest, share) for split in SPLITS},
    )


def write_prepared(dataset: Dataset, path: str | Path) -> None:
    """Writes the directory under a temporary name, then renames it into place.

    Raises:
      DataError: the directory exists already, or cannot be written; features whose name can be
        no part of a file's name.
    """
    with new_directory(Path(path)) as draft:
        _write_files(dataset, draft)
        manifest = _manifest(dataset, draft)
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


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
        np.save(draft / feature_file_name(modality), rows, allow_pickle=False)


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
        "rows_sha256": {split: ALONE.digest(getattr(dataset, split)) for split in SPLITS},
    }


def _check_sizes(path: Path, files: _Files, share: Share) -> None:
    """Refuses sizes that the other files do not bear out; names and features tell every one."""
    manifest, names, triples, _, features, splits = files
    pairs = np.concatenate(list(splits.values()))
    n_items = manifest["items"] if features else len(names["item_ids"])
    told = (len(names["user_ids"]), n_items, len(names["entity_names"]))
    occurring = ((pairs[:, 0],), (pairs[:, 1], triples[:, 0]), (triples[:, 2],))
    for size, number, ids in zip(SIZES, told, occurring, strict=True):
        if manifest[size] != number:
            check_number(manifest[size], size, str(path / MANIFEST), *ids, share=share)


def _read_pairs(file: Path, manifest: dict, share: Share) -> np.ndarray:
    """int32[n, 2]: the rows in this process's part of the lines."""
    part = part_of_lines(file, share) if share.of > 1 and file.is_file() else None
    limits = (manifest["users"], manifest["items"])
    try:
        rows = read_integers(file, 2, part)
        check_ids(rows, str(file), ("user", "item"), limits, first_row=1)
    except DataError as error:
        if part is None:
            raise
        raise DataError(f"{error}; counted from line {line_at(file, part.start)}") from error
    return rows.astype(np.int32)


def _of_own_users(rows: np.ndarray, manifest: dict, share: Share) -> np.ndarray:
    own = share.kept(rows, lambda pairs: share.owns(pairs, manifest["users"]))
    return sorted_unique(own)
