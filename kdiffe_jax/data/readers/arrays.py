"""Dense item features from .npy files, checked, never unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npy

_SUFFIX = "_feat.npy"


def load_features(path: Path, n_items: int) -> dict[str, np.ndarray]:
    """Modality -> rows, for every `<modality>_feat.npy` in the directory.

    Raises:
      DataError: an unreadable file, an object array, another number of rows than items,
        or a NaN or infinite value.
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


def load_feature(file: Path, n_items: int) -> np.ndarray:
    """One modality, float[J, width], in the dtype of the file."""
    try:
        rows = read_npy(file)
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{file}: not a readable .npy array: {reason}") from error
    return checked_feature(rows, n_items, str(file))


def checked_feature(rows: np.ndarray, n_items: int, where: str) -> np.ndarray:
    """float[J, width], in the dtype of the rows; whole numbers become float32.

    Args:
      rows: any array.
      n_items: how many rows there must be.
      where: names the array in a refusal.

    Raises:
      DataError: no numeric matrix, another number of rows, a NaN or infinite value.
    """
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise DataError(f"{where}: expected a numeric matrix, one row an item")
    if len(rows) != n_items:
        raise DataError(f"{where}: {len(rows)} rows for {n_items} items; one row an item is needed")
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"{where}, row {int(np.argmax(bad))}: a NaN or infinite value; mend the row"
        )
    return rows if rows.dtype.kind == "f" else rows.astype(np.float32)
