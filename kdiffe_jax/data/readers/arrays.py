"""Dense item features from .npy files, checked, never unpickled."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npy

_SUFFIX = "_feat.npy"
_MOST_BYTES = 255  # of a file's name, on most file systems
_UNFIT = {"/": "a slash", "\\": "a backslash"}
_UNFIT_KINDS = {"Cc": "a control character", "Cs": "bytes that are not UTF-8"}


def load_features(path: Path, n_items: int) -> dict[str, np.ndarray]:
    """Modality -> rows, for every `<modality>_feat.npy` in the directory.

    Raises:
      DataError: an unreadable file, an object array, another number of rows than items,
        or a value that is not finite as float32.
    """
    return {modality_of(file): load_feature(file, n_items) for file in feature_files(path)}


def feature_files(path: Path) -> list[Path]:
    """Every `<modality>_feat.npy` in the directory, by name.

    Raises:
      DataError: one that is still zipped.
    """
    for archive in sorted(path.glob(f"*{_SUFFIX}.zip")):
        if not archive.with_suffix("").exists():
            raise DataError(f"{archive}: unzip it beside the other files first")
    return sorted(path.glob(f"*{_SUFFIX}"))


def modality_of(file: Path) -> str:
    """What a feature file is called without its ending."""
    return file.name.removesuffix(_SUFFIX)


def feature_file_name(modality: str) -> str:
    """`<modality>_feat.npy`, as a prepared directory calls the file.

    Raises:
      DataError: the name of the modality can be no part of a file's name.

    >>> feature_file_name("image")
    'image_feat.npy'
    """
    if wrong := _wrong_in_name(modality):
        raise DataError(
            f"features {modality[:60]!r}: the name {wrong}; choose another, as their file is "
            f"called NAME{_SUFFIX}"
        )
    return f"{modality}{_SUFFIX}"


def _wrong_in_name(modality: str) -> str:
    """What keeps the name of a modality from being part of a file's name; empty for nothing."""
    if not modality:
        return "is empty"
    if modality.startswith("."):
        return "begins with a dot"
    for character in modality:
        kind = unicodedata.category(character)
        if unfit := _UNFIT.get(character) or _UNFIT_KINDS.get(kind):
            return f"holds {unfit}"
    longest = _MOST_BYTES - len(_SUFFIX)
    size = len(modality.encode())
    return f"has {size} bytes, and {longest} is the most" if size > longest else ""


def load_feature(file: Path, n_items: int) -> np.ndarray:
    """One modality, float[J, width], in the dtype of the file."""
    try:
        rows = read_npy(file)
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{file}: not a readable .npy array: {reason}") from error
    return checked_feature(rows, n_items, str(file))


def checked_feature(
    rows: np.ndarray, n_items: int, where: str, ids: Sequence[str] = ()
) -> np.ndarray:
    """float[J, width], in the dtype of the rows; whole numbers become float32.

    Args:
      rows: any array.
      n_items: how many rows there must be.
      where: names the array in a refusal.
      ids: of the items, for that too.

    Raises:
      DataError: no numeric matrix, another number of rows, a value that is not finite as
        float32.
    """
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise DataError(f"{where}: expected a numeric matrix, one row an item")
    if not rows.shape[1]:
        raise DataError(f"{where}: the matrix has no columns; leave the file out, or fill it")
    if len(rows) != n_items:
        raise DataError(f"{where}: {len(rows)} rows for {n_items} items; one row an item is needed")
    rows = rows if rows.dtype.kind == "f" else rows.astype(np.float32)
    _refuse_not_finite(rows, where, ids)
    return rows


def _refuse_not_finite(rows: np.ndarray, where: str, ids: Sequence[str]) -> None:
    """Refuses the first row with a value that float32, in which models compute, cannot hold."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
        bad = ~np.isfinite(size.astype(np.float32))
    if bad.any():
        row = int(np.argmax(bad))
        what = "a value that is not finite as float32"
        if not np.isfinite(size[row]):
            what = "a NaN or infinite value"
        which = f"item {ids[row]!r}" if ids else f"row {row} (counted from 0)"
        raise DataError(f"{where}, {which}: {what}; mend the row")
