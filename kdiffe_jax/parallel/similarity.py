"""S of eq. 5 by all devices of a mesh, each process for its own range of nodes and edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.config import GraphConfig
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.graph.attention import attention_similarity
from kdiffe_jax.graph.cache import read_similarity, similarity_file, write_similarity
from kdiffe_jax.graph.shares import Shares
from kdiffe_jax.parallel.processes import from_first, joined


def similarity_on_mesh(
    mesh: Mesh,
    pairs: np.ndarray,
    *,
    share: Share = ALONE,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    directory: Path,
) -> np.ndarray:
    """`cached_similarity`, made where it is not stored by all devices of a mesh.

    Process 0 alone reads and writes `directory`; the others receive what it read, piece by
    piece. While S is made, every process has the interactions of all.

    Args:
      mesh: of `build_mesh`.
      pairs: int32[n, 2], this process's share of the training interactions.
      share: whose it is.
      n_users, n_items, config, directory: as in `cached_similarity`.

    Returns:
      float32[n], S(u, v) in the order of `pairs`; the same bit for bit as one device finds.

    Raises:
      DataError: the directory cannot be written; a RunError on the other processes.
    """
    sizes: dict[str, Any] = dict(n_users=n_users, n_items=n_items, config=config)
    first, total = share.place(len(pairs))
    own = slice(first, first + len(pairs))
    file = similarity_file(share.pieces(pairs), directory=directory, **sizes)
    read: list[np.ndarray | None] = []

    def is_stored() -> bool:
        read.append(read_similarity(file, total))
        return read[0] is not None

    if from_first(is_stored):
        return _part(share, read[0] if read else None, own)
    found = attention_similarity(joined(pairs), shares=shares_of(mesh), **sizes)
    from_first(lambda: write_similarity(found, file))
    return found[own].copy()


def shares_of(mesh: Mesh) -> Shares:
    """What this process and its devices of a mesh take on."""
    this, processes = jax.process_index(), jax.process_count()
    devices = tuple(d for d in mesh.devices.flat if d.process_index == this)
    return Shares(devices, this, processes, joined)


def _part(share: Share, read: np.ndarray | None, own: slice) -> np.ndarray:
    """A slice of what one process read, of which the others have None."""
    values, at = np.empty(own.stop - own.start, np.float32), 0
    for piece in share.pieces(np.empty(0, np.float32) if read is None else read):
        first, last = max(own.start, at), min(own.stop, at + len(piece))
        if first < last:
            values[first - own.start : last - own.start] = piece[first - at : last - at]
        at += len(piece)
    return values
