"""S on disk, under a hash of the graph and of the parameters that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.config import GraphConfig
from kdiffe_jax.files import replacing_in_cache
from kdiffe_jax.graph.attention import attention_similarity
from kdiffe_jax.stored_arrays import DAMAGED, read_npy

# Raise when the definition of S changes, so that older files are not taken for it.
_DEFINITION = 1


def cached_similarity(
    pairs: np.ndarray, *, n_users: int, n_items: int, config: GraphConfig, directory: Path
) -> np.ndarray:
    """`attention_similarity`, read from `directory` where the same call was made before.

    A file that cannot be read or does not fit is computed again and replaced. The
    directory is private to the user; files appear under their name only when complete.

    Returns:
      float32[n], S(u, v) in the order of `pairs`.

    Raises:
      DataError: the directory cannot be written.
    """
    sizes: dict[str, Any] = dict(n_users=n_users, n_items=n_items, config=config)
    file = similarity_file([pairs], directory=directory, **sizes)
    stored = read_similarity(file, len(pairs))
    if stored is not None:
        return stored
    similarity = attention_similarity(pairs, **sizes)
    write_similarity(similarity, file)
    return similarity


def similarity_file(
    pieces: Iterable[np.ndarray],
    *,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    directory: Path,
) -> Path:
    """Where the S of a graph is kept.

    Args:
      pieces: int[_, 2] of (user, item), one after another the training interactions.
      n_users, n_items: sizes I and J.
      config: of which M, R, restart probability, start-node rule and seed count.
      directory: for all S.
    """
    walk = (
        config.walk_length,
        config.walks_per_node,
        config.restart_probability,
        config.include_start,
        config.walk_seed,
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
