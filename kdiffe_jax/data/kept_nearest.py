"""Nearest items on disk, under a hash of all that they are made of."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import sparse

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import Neighbours, nearest_items
from kdiffe_jax.storage.archive import packed, unpacked
from kdiffe_jax.storage.files import replacing_in_cache
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npz

# Raise when what nearest items are changes, so that older files are not taken for it.
_DEFINITION = 1
_SECONDS = 1.0  # what takes less is made again
_MANY = 20_000  # items or interactions that take some seconds
_PARTS = ("data", "indices", "indptr")


def kept_nearest_items(
    dataset: Dataset,
    n_nearest: int,
    *,
    weighed: str = "equal",
    each_relation: bool = False,
    directory: Path,
    log: Callable[[str], None],
) -> Neighbours:
    """`nearest_items`, read from `directory` where the same call was made before.

    What is made in less than a second is not kept. A file that cannot be read is said aloud, made
    again and replaced. The directory is private to the user; files appear under their name only
    when complete. Of several processes all read, or all make: each has a file of its own or all
    have one.

    Args:
      dataset, n_nearest, weighed, each_relation: of `nearest_items`.
      directory: where what takes long is kept.
      log: receives a line where making takes some seconds, before it begins.

    Raises:
      DataError: there is no content at all, or the directory cannot be written.
    """
    settings = (n_nearest, weighed, each_relation)
    file = Path(directory) / f"nearest-{_digest(dataset, settings)[:32]}.npz"
    share, kept = dataset.share, _read(file, dataset.n_items)
    by_all = share.offset_and_total(int(kept is not None))[1] == share.of
    if kept is not None and by_all:
        return kept
    if kept is None and file.exists():
        log(f"{file}: not readable as nearest items; made again")
    if max(dataset.n_items, len(dataset.train)) >= _MANY:
        log(f"{dataset.name}: looking for nearest items: {_sizes(dataset)}")
    begun = time.perf_counter()
    made = nearest_items(dataset, n_nearest, weighed=weighed, each_relation=each_relation)
    long = time.perf_counter() - begun >= _SECONDS
    share.all_or_none(lambda: _write(made, file) if long else None)
    return made


def _sizes(dataset: Dataset) -> str:
    kinds = [f"{name} of {rows.shape[1]:,}" for name, rows in sorted(dataset.features.items())]
    kinds += [f"{len(dataset.triples):,} triples"] if len(dataset.triples) else []
    return f"{dataset.n_items:,} items by {', '.join(kinds)}"


def _digest(dataset: Dataset, settings: tuple) -> str:
    sizes = (dataset.n_users, dataset.n_items, dataset.n_entities, dataset.share.of)
    known = (_DEFINITION, settings, sizes, dataset.relation_names, sorted(dataset.features))
    digest = hashlib.sha256(repr(known).encode())
    digest.update(dataset.share.digest(dataset.train).encode())
    features = (rows for _, rows in sorted(dataset.features.items()))
    for array in (dataset.triples, dataset.items_of_entities(), *features):
        digest.update(repr((str(array.dtype), array.shape)).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _read(file: Path, n_items: int) -> Neighbours | None:
    try:
        stored = read_npz(file)
        matrices = {
            name: sparse.csr_array(
                tuple(stored[f"{name}.{part}"] for part in _PARTS), shape=(n_items, n_items)
            )
            for name in ("matrix", "of_cold")
        }
        return Neighbours(**matrices, note=unpacked(stored["note"]))
    except DAMAGED:
        return None


def _write(near: Neighbours, file: Path) -> None:
    arrays = {"note": packed(near.note)}
    for name, matrix in (("matrix", near.matrix), ("of_cold", near.of_cold)):
        arrays |= {f"{name}.{part}": getattr(matrix, part) for part in _PARTS}
    with replacing_in_cache(file) as draft, draft.open("wb") as stream:
        np.savez(stream, **arrays)
