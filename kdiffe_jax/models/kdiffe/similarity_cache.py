"""S on disk, under a hash of the graph and of the parameters that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity import attention_similarity
from kdiffe_jax.models.kdiffe.walk_workers import WalkWorkers
from kdiffe_jax.parallel.processes import joined, on_process_zero
from kdiffe_jax.storage.files import replacing_in_cache
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npy

# Raise when the definition of S changes, so that older files are not taken for it.
_DEFINITION = 1


def cached_similarity(
    pairs: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    options: WalkOptions,
    directory: Path,
    share: Share = ALONE,
    devices: Sequence[jax.Device] | None = None,
) -> tuple[np.ndarray, bool]:
    """`attention_similarity`, read from `directory` where the same call was made before.

    A file that cannot be read or does not fit is computed again and replaced. The directory is
    private to the user; files appear under their name only when complete. Of processes that share
    the interactions process 0 alone reads and writes it; the others receive what it read, piece
    by piece. While S is made, every process has the interactions of all.

    Args:
      pairs: int32[n, 2], this process's share of the training interactions.
      n_users, n_items: sizes I and J.
      options: M, R, restart probability, start-node rule and seed.
      directory: for all S.
      share: whose the pairs are.
      devices: of this process, that walk; the first one if omitted.

    Returns:
      float32[n], S(u, v) in the order of `pairs`, the same bit for bit for any number of devices;
      and whether it was read.

    Raises:
      DataError: the directory cannot be written; a RunError on the other processes.
    """
    sizes: dict[str, Any] = dict(n_users=n_users, n_items=n_items, options=options)
    together = share.of > 1
    by_one = on_process_zero if together else _by_this_process
    first, total = share.offset_and_total(len(pairs))
    own = slice(first, first + len(pairs))
    file = similarity_file(share.pieces(pairs), directory=directory, **sizes)
    read: list[np.ndarray | None] = []

    def is_stored() -> bool:
        read.append(read_similarity(file, total))
        return read[0] is not None

    if by_one(is_stored):
        return _part(share, read[0] if read else None, own), True
    workers = WalkWorkers.of_this_process(devices, joined if together else None)
    found = attention_similarity(workers.joined(pairs), workers=workers, **sizes)
    by_one(lambda: write_similarity(found, file))
    return found[own].copy(), False


def _by_this_process(work: Callable[[], Any]) -> Any:
    """It has the interactions whole, and may be the only one that is here."""
    return work()


def _part(share: Share, read: np.ndarray | None, own: slice) -> np.ndarray:
    """A slice of what one process read, of which the others have None."""
    values, at = np.empty(own.stop - own.start, np.float32), 0
    for piece in share.pieces(np.empty(0, np.float32) if read is None else read):
        first, last = max(own.start, at), min(own.stop, at + len(piece))
        if first < last:
            values[first - own.start : last - own.start] = piece[first - at : last - at]
        at += len(piece)
    return values


def similarity_file(
    pieces: Iterable[np.ndarray],
    *,
    n_users: int,
    n_items: int,
    options: WalkOptions,
    directory: Path,
) -> Path:
    """Where the S of a graph is kept.

    Args:
      pieces: int[_, 2] of (user, item), one after another the training interactions.
      n_users, n_items: sizes I and J.
      options: of which M, R, restart probability, start-node rule and seed count.
      directory: for all S.
    """
    walk = (
        options.walk_length,
        options.walks_per_node,
        options.restart_probability,
        options.include_start,
        options.walk_seed,
    )
    digest = hashlib.sha256(repr((_DEFINITION, n_users, n_items, walk)).encode())
    for pairs in pieces:
        digest.update(np.ascontiguousarray(pairs, np.int32).tobytes())
    return Path(directory) / f"similarity-{digest.hexdigest()[:32]}.npy"


def read_similarity(file: Path, length: int) -> np.ndarray | None:
    """float32[length] as it was written; None where there is none that fits."""
    try:
        values = read_npy(file)
    except DAMAGED:
        return None
    fits = values.shape == (length,)
    return values if fits and values.dtype == np.float32 and np.isfinite(values).all() else None


def write_similarity(similarity: np.ndarray, file: Path) -> None:
    """Keeps S for `read_similarity`.

    Raises:
      DataError: the directory cannot be written.
    """
    with replacing_in_cache(file) as draft, draft.open("wb") as stream:
        np.save(stream, similarity, allow_pickle=False)
