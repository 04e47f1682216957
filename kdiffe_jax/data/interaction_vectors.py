"""Vectors of items from interactions alone, in time linear in them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kdiffe_jax.data.share import ALONE, Share


def interaction_vectors(
    pairs: np.ndarray,
    *,
    n_users: int,
    n_items: int,
    block: int = 32,
    powers: int = 8,
    share: Share = ALONE,
) -> np.ndarray:
    """The strongest directions of S' S, S = D_u^-1/2 R D_i^-1/2, by a block Krylov space.

    The space is that of G, S'S G, ... (S'S)^(powers - 1) G with G random, f32[J, block]. An
    item's vector has its coordinates, each by its singular value, over the root of its length.

    Args:
      pairs: int[n, 2] of (user, item), unique; the users are this process's.
      n_users, n_items: sizes I and J.
      block, powers: the width of the vectors is their product, J at most.
      share: whose the pairs are; the vectors are of those of all processes, the same on each.

    Returns:
      f32[J, width], zero for an item without interactions.

    >>> pairs = np.array([[0, 0], [0, 1], [1, 2], [1, 3], [2, 0], [2, 1]])
    >>> rows = interaction_vectors(pairs, n_users=3, n_items=5, block=2, powers=2)
    >>> (rows[0] @ rows[1] > 0.5), abs(rows[0] @ rows[2]) < 1e-3, rows[4].any()
    (np.True_, np.True_, np.False_)
    """
    matrix = _normalised(pairs, n_users, n_items, share)
    width = min(block, n_items)
    drawn = np.random.default_rng(0).standard_normal((n_items, width)).astype(np.float32)
    basis = [_orthonormal(_again(matrix, drawn, share))]
    for _ in range(min(powers, n_items // width) - 1):
        basis.append(_orthonormal(_again(matrix, basis[-1], share)))
    space = _orthonormal(np.concatenate(basis, axis=1))
    squares, turns = np.linalg.eigh(space.T @ _again(matrix, space, share))
    rows = space @ (turns * np.sqrt(np.maximum(squares, 0.0))).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.sqrt(lengths), out=np.zeros_like(rows), where=lengths > 1e-6)


def _normalised(pairs, n_users: int, n_items: int, share: Share) -> sparse.csr_array:
    degrees = share.summed(np.bincount(pairs[:, 1], minlength=n_items).astype(np.float64))
    of_user = np.bincount(pairs[:, 0], minlength=n_users)
    weights = 1.0 / np.sqrt(of_user[pairs[:, 0]] * degrees[pairs[:, 1]])
    place = (pairs[:, 0], pairs[:, 1])
    return sparse.csr_array((weights.astype(np.float32), place), shape=(n_users, n_items))


def _again(matrix: sparse.csr_array, rows: np.ndarray, share: Share) -> np.ndarray:
    """S' S rows, f32."""
    return share.summed(np.asarray(matrix.T @ (matrix @ rows), np.float32))


def _orthonormal(rows: np.ndarray) -> np.ndarray:
    return np.linalg.qr(rows)[0]
