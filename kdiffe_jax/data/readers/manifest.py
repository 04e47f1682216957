"""dataset.json of a prepared directory: sizes, and the checksums of the files beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import DataError, one_line

FORMAT_VERSION = 1
MANIFEST = "dataset.json"
SIZES = ("users", "items", "entities")


def read_manifest(file: Path) -> dict[str, Any]:
    """The manifest of a prepared directory.

    Raises:
      DataError: it can't be read, is of another format, or an entry is of a wrong kind.
    """
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: not readable JSON: {one_line(error)}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_VERSION:
        raise DataError(f'{file}: expected an object with "format": {FORMAT_VERSION}')
    for key in SIZES:
        size = manifest.get(key)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise DataError(f'{file}: "{key}" must be a whole number, it is {size!r}')
    kinds = {"sha256": dict, "rows_sha256": dict, "provenance": dict, "notes": list}
    for key, kind in kinds.items():
        if not isinstance(manifest.get(key, kind()), kind):
            raise DataError(f'{file}: "{key}" must be a JSON {kind.__name__}')
    return manifest


def digest_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of all that it says, hexadecimal."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def verify_files(path: Path, manifest: Mapping[str, Any], share: Share) -> None:
    """Verifies the files that this process reads whole, by their checksums.

    Raises:
      DataError: a file is missing or was changed.
    """
    later = _verified_by_rows(manifest, share)
    for file, expected in manifest.get("sha256", {}).items():
        if Path(file).name != file:
            raise DataError(f"{path / MANIFEST}: file name {file!r} leaves the directory")
        found = path / file
        if file not in later and not (found.is_file() and sha256(found) == expected):
            raise _changed(found)


def verify_rows(
    path: Path, manifest: Mapping[str, Any], splits: Mapping[str, np.ndarray], share: Share
) -> None:
    """Verifies the splits of which every process reads a part, by what all of them read.

    Raises:
      DataError: on every process, where a split was changed.
    """
    for file in _verified_by_rows(manifest, share):
        split = file.removesuffix(".tsv")
        if share.digest(splits[split]) != manifest["rows_sha256"][split]:
            raise _changed(path / file)


def _verified_by_rows(manifest: Mapping[str, Any], share: Share) -> list[str]:
    if share.of == 1:
        return []
    files = [f"{split}.tsv" for split in SPLITS if split in manifest.get("rows_sha256", {})]
    return [file for file in files if file in manifest.get("sha256", {})]


def _changed(file: Path) -> DataError:
    return DataError(
        f"{file}: missing or changed since it was prepared; prepare it again, "
        f"or delete the sha256 entry in {MANIFEST} if you edited it on purpose"
    )
