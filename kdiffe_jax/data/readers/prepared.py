"""Our own on-disk format: text tables that a person can write by hand, no pickle.

dataset.json                    name and sizes; SHA-256 of the other files when we wrote it
train.tsv valid.tsv test.tsv    user <tab> item
[triples.tsv]                   item <tab> relation <tab> entity [<tab> relevant 0/1]
[relations.tsv] [entities.tsv]  one name a line, in the order of the ids
[<modality>_feat.npy]           one row an item
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import DataError

FORMAT_VERSION = 1
MANIFEST = "dataset.json"
FILES = "dataset.json, train.tsv, valid.tsv, test.tsv, triples.tsv"


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
    for file, expected in manifest.get("sha256", {}).items():
        if Path(file).name != file:
            raise DataError(f"{path / MANIFEST}: file name {file!r} leaves the directory")
        if not (path / file).is_file() or _sha256(path / file) != expected:
            raise DataError(
                f"{path / file}: missing or changed since it was prepared; prepare it again, "
                f"or delete the sha256 entry in {MANIFEST} if you edited it on purpose"
            )
    triples, relevant = _read_triples(path / "triples.tsv")
    relation_names = _read_names(path / "relations.tsv")
    if not relation_names and len(triples):
        relation_names = tuple(f"relation {r}" for r in range(triples[:, 1].max() + 1))
    return Dataset(
        name=name or str(manifest["name"]),
        n_users=manifest["users"],
        n_items=manifest["items"],
        n_entities=manifest["entities"],
        triples=triples,
        relevant=relevant,
        relation_names=relation_names,
        entity_names=_read_names(path / "entities.tsv"),
        features=load_features(path, manifest["items"]),
        notes=tuple(manifest.get("notes", ())),
        **{split: sorted_unique(_read_integers(path / f"{split}.tsv", 2)) for split in SPLITS},
    )


def write_prepared(dataset: Dataset, path: str | Path) -> None:
    """Writes the directory under a temporary name, then renames it into place.

    Raises:
      DataError: the directory exists already.
    """
    path = Path(path)
    if path.exists():
        raise DataError(f"{path}: exists already; choose another directory or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for split in SPLITS:
            np.savetxt(draft / f"{split}.tsv", getattr(dataset, split), "%d", "\t")
        columns = [dataset.triples]
        if dataset.relevant is not None:
            columns.append(dataset.relevant[:, None].astype(np.int32))
        np.savetxt(draft / "triples.tsv", np.concatenate(columns, axis=1), "%d", "\t")
        _write_names(draft / "relations.tsv", dataset.relation_names)
        _write_names(draft / "entities.tsv", dataset.entity_names)
        for modality, rows in dataset.features.items():
            np.save(draft / f"{modality}_feat.npy", rows, allow_pickle=False)
        manifest = {
            "format": FORMAT_VERSION,
            "name": dataset.name,
            "users": dataset.n_users,
            "items": dataset.n_items,
            "entities": dataset.n_entities,
            "notes": list(dataset.notes),
            "sha256": {file.name: _sha256(file) for file in sorted(draft.iterdir())},
        }
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        draft.chmod(0o755)
        os.rename(draft, path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _read_manifest(file: Path) -> dict:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not readable JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_VERSION:
        raise DataError(f'{file}: expected an object with "format": {FORMAT_VERSION}')
    for key in ("users", "items", "entities"):
        size = manifest.get(key)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise DataError(f'{file}: "{key}" must be a whole number, it is {size!r}')
    for key, kind in (("sha256", dict), ("notes", list)):
        if not isinstance(manifest.get(key, kind()), kind):
            raise DataError(f'{file}: "{key}" must be a JSON {kind.__name__}')
    manifest.setdefault("name", file.parent.name)
    return manifest


def _read_triples(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if not file.exists():
        return np.zeros((0, 3), np.int32), None
    planted = len(_first_row(file).split("\t")) == 4
    rows = _read_integers(file, 4 if planted else 3)
    if not planted:
        return sorted_unique(rows), None
    ordered = sorted_unique(rows)
    if len(sorted_unique(ordered[:, :3])) != len(ordered):
        raise DataError(f"{file}: a triple is marked both relevant and not; keep one of the two")
    return np.ascontiguousarray(ordered[:, :3]), ordered[:, 3].astype(bool)


def _first_row(file: Path) -> str:
    """The first line with content outside comments, empty where there is none."""
    rows = (line.split("#", 1)[0].strip() for line in _read_text(file).split("\n"))
    return next((row for row in rows if row), "")


def _read_integers(file: Path, columns: int) -> np.ndarray:
    if not file.is_file():
        raise DataError(f"{file}: no such file; {FILES} are expected")
    if not _first_row(file):
        return np.zeros((0, columns), np.int64)
    try:
        rows = np.loadtxt(file, np.int64, delimiter="\t", comments="#", ndmin=2, encoding="utf-8")
    except ValueError as error:
        raise DataError(f"{file}: {error}; expected {columns} tab-separated integers") from error
    if rows.shape[1] != columns:
        raise DataError(f"{file}: {rows.shape[1]} columns, expected {columns}")
    outside = (rows < 0) | (rows > np.iinfo(np.int32).max)
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        raise DataError(f"{file}, row {row}: ids are 0..{np.iinfo(np.int32).max}")
    return rows


def _read_names(file: Path) -> tuple[str, ...]:
    """One name a line; only the newline ends a line, so any other character may be in a name."""
    if not file.exists():
        return ()
    text = _read_text(file).replace("\r\n", "\n").removesuffix("\n")
    return tuple(text.split("\n")) if text else ()


def _write_names(file: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if "\n" in name or "\r" in name:
            raise DataError(f"{file.name}: the name {name!r} holds a line break; replace it")
    if names:
        file.write_bytes(("\n".join(names) + "\n").encode())


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text: {error}; save it as UTF-8") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
