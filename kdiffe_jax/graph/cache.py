"""S on disk, under a hash of the graph and of the parameters that made it."""

from __future__ import annotations

import hashlib
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
    stored = stored_similarity(pairs, directory=directory, **sizes)
    if stored is not None:
        return stored
    similarity = attention_similarity(pairs, **sizes)
    store_similarity(similarity, pairs, directory=directory, **sizes)
    return similarity


def stored_similarity(
    pairs: np.ndarray, *, n_users: int, n_items: int, config: GraphConfig, directory: Path
) -> np.ndarray | None:
    """What `cached_similarity` would read, None where it would compute."""
    sizes: dict[str, Any] = dict(n_users=n_users, n_items=n_items, config=config)
    return _read(_file(pairs, directory=directory, **sizes), len(pairs))


def store_similarity(
    similarity: np.ndarray,
    pairs: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    directory: Path,
) -> None:
    """Writes what `cached_similarity` will read for the same call.

    Raises:
      DataError: the directory cannot be written.
    """
    file = _file(pairs, n_users=n_users, n_items=n_items, config=config, directory=directory)
    with replacing_in_cache(file) as draft, draft.open("wb") as stream:
        np.save(stream, similarity, allow_pickle=False)


def _file(pairs, *, n_users: int, n_items: int, config: GraphConfig, directory: Path) -> Path:
    return Path(directory) / f"similarity-{_key(pairs, n_users, n_items, config)}.npy"


def _key(pairs, n_users: int, n_items: int, config: GraphConfig) -> str:
    walk = (
        config.walk_length,
        config.walks_per_node,
        config.restart_probability,
        config.include_start,
        config.walk_seed,
    )
    digest = hashlib.sha256(repr((_DEFINITION, n_users, n_items, walk)).encode())
    digest.update(np.ascontiguousarray(pairs, np.int32).tobytes())
    return digest.hexdigest()[:32]


def _read(file: Path, length: int) -> np.ndarray | None:
    try:
        values = read_npy(file)
    except DAMAGED:
        return None
    fits = values.shape == (length,)
    return values if fits and values.dtype == np.float32 and np.isfinite(values).all() else None
