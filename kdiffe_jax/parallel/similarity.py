"""S of eq. 5 by all devices of a mesh, each process for its own range of nodes and edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.config import GraphConfig
from kdiffe_jax.graph.attention import attention_similarity
from kdiffe_jax.graph.cache import store_similarity, stored_similarity
from kdiffe_jax.graph.shares import Shares
from kdiffe_jax.parallel.processes import arrays_from_first, from_first, joined


def similarity_on_mesh(
    mesh: Mesh,
    pairs: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    config: GraphConfig,
    directory: Path,
) -> np.ndarray:
    """`cached_similarity`, made where it is not stored by all devices of a mesh.

    Process 0 alone reads and writes `directory`; the others receive what it read.

    Args:
      mesh: of `build_mesh`.
      pairs, n_users, n_items, config, directory: as in `cached_similarity`.

    Returns:
      float32[n], S(u, v) in the order of `pairs`, on every process; the same bit for bit
      as one device finds.

    Raises:
      DataError: the directory cannot be written; a RunError on the other processes.
    """
    sizes: dict[str, Any] = dict(n_users=n_users, n_items=n_items, config=config)
    read: list[np.ndarray | None] = []

    def is_stored() -> bool:
        read.append(stored_similarity(pairs, directory=directory, **sizes))
        return read[0] is not None

    if from_first(is_stored):
        return arrays_from_first(read[0] if read else np.zeros(len(pairs), np.float32))
    found = attention_similarity(pairs, shares=shares_of(mesh), **sizes)
    from_first(lambda: store_similarity(found, pairs, directory=directory, **sizes))
    return found


def shares_of(mesh: Mesh) -> Shares:
    """What this process and its devices of a mesh take on."""
    this, processes = jax.process_index(), jax.process_count()
    devices = tuple(d for d in mesh.devices.flat if d.process_index == this)
    return Shares(devices, this, processes, joined)
