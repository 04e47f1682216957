"""The Laplacian and the mean over an item's users where processes share the interactions.

A process knows the interactions of its own users. It computes their entries and passes them
round; each keeps those in the rows of its own devices, so none has a matrix whole.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from jax.sharding import Mesh

from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.ops.sparse_types import Laplacian, SparsePair
from kdiffe_jax.parallel.row_blocks import Entries, own_ranges, row_blocks


def operators_on_mesh(
    mesh: Mesh,
    pairs: np.ndarray,
    weights: np.ndarray,
    counted: np.ndarray,
    *,
    share: Share = ALONE,
    n_users: int,
    n_items: int,
    guidance: bool = True,
    edge_dropping: bool = False,
) -> tuple[Laplacian, SparsePair | None]:
    """`normalised_laplacian` and `mean_of_users`, split by rows.

    Args:
      mesh: of `build_mesh`.
      pairs: int32[n, 2], this process's share of the training interactions, sorted.
      weights, counted: f32[n], as in `normalised_laplacian`.
      share: whose they are.
      n_users, n_items: sizes I and J.
      guidance: whether the mean is wanted; None without.
      edge_dropping: whether `drop_edges` will be called, for which entries are numbered.
    """
    scale = _scale(pairs, counted, share, n_users, n_items)
    links, total = _links(
        pairs, weights * (scale[pairs[:, 0]] * scale[n_users + pairs[:, 1]]), share
    )
    of_users = share.kept(links, partial(_in_own_range, mesh, n_users, 0))
    of_items = share.kept(links, partial(_in_own_range, mesh, n_items, 1))
    of_items = of_items[np.argsort(of_items[:, 1], kind="stable")]
    to_users, to_items = _entries(of_users, 0, edge_dropping), _entries(of_items, 1, edge_dropping)

    def split(entries: Entries, n_rows: int):
        return row_blocks(entries, mesh, n_rows=n_rows, n_entries=total)

    laplacian = Laplacian(split(to_users, n_users), split(to_items, n_items))
    if not guidance:
        return laplacian, None
    counts = share.summed(np.bincount(pairs[:, 1], minlength=n_items))
    shares = (1.0 / np.maximum(counts, 1)).astype(np.float32)
    means = (
        to_items._replace(values=shares[to_items.rows], edges=None),
        to_users._replace(values=shares[to_users.columns], edges=None),
    )
    return laplacian, SparsePair(split(means[0], n_items), split(means[1], n_users))


def _scale(pairs, counted, share: Share, n_users: int, n_items: int) -> np.ndarray:
    """f32[I + J], D^-1/2 of every node."""
    ends = (pairs[:, 0], n_users), (pairs[:, 1], n_items)
    degrees = np.concatenate([np.bincount(ids, counted, size) for ids, size in ends])
    degrees = share.summed(degrees)
    scale = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    return scale.astype(np.float32)


def _links(pairs: np.ndarray, values: np.ndarray, share: Share) -> tuple[np.ndarray, int]:
    """int32[n, 4]: user, item, bits of the value, number among those of all; how many are all."""
    first, total = share.offset_and_total(len(pairs))
    numbers = np.arange(first, first + len(pairs), dtype=np.int32)
    return np.column_stack([pairs, values.view(np.int32), numbers]), total


def _in_own_range(mesh: Mesh, n_rows: int, axis: int, links: np.ndarray) -> np.ndarray:
    own = own_ranges(mesh)
    return own[links[:, axis] // -(-n_rows // len(own))]


def _entries(links: np.ndarray, axis: int, numbered: bool) -> Entries:
    values = np.ascontiguousarray(links[:, 2]).view(np.float32)
    return Entries(values, links[:, axis], links[:, 1 - axis], links[:, 3] if numbered else None)
