"""Users by the leading singular vectors of their interactions: guidance before any training.

The subspace iteration with a random start of Halko, Martinsson and Tropp, "Finding Structure with
Randomness" (SIAM Review 2011), algorithm 4.4. Degrees are regularised as in Qin and Rohe,
"Regularized Spectral Clustering under the Degree-Corrected Stochastic Blockmodel" (NIPS 2013):
without, the leading vectors of sparse data are those of a few users apart from all others.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Degrees
from kdiffe_jax.ops.sparse_types import SparseOperator, SparsePair
from kdiffe_jax.ops.spmm import multiply

Operator = SparseOperator | SparsePair

_ROUNDS = 32
_BESIDE = 12
_FLOOR = 1e-6


def spectral_users(item_users: Operator, degrees: Degrees, *, rank: int) -> jax.Array:
    """The rows of the leading left singular vectors of (D + t)^-1/2 A (D + t)^-1/2, of length 1.

    t is the mean degree, of users on the left and of items on the right.

    Users of the same items have rows of the same direction; nothing else is known of them. S has no
    part in it. Each of 32 rounds goes from users to items and back, on `rank + 12` columns.

    Args:
      item_users: D^-1 A of the items (eq. 11).
      degrees: how many interactions users and items have.
      rank: vectors to keep.

    Returns:
      f32[I, rank]; zeros for users without interactions.
    """
    of_users = jax.lax.rsqrt(degrees.users + degrees.users.mean())[:, None]
    of_items = (degrees.items * jax.lax.rsqrt(degrees.items + degrees.items.mean()))[:, None]

    def to_items(users):
        return of_items * multiply(item_users, of_users * users)

    def there_and_back(users):
        items, back = jax.vjp(to_items, users)
        return back(items)[0]

    start = jax.random.normal(jax.random.key(0), (len(degrees.users), rank + _BESIDE))
    basis = jax.lax.fori_loop(
        0, _ROUNDS, lambda _, users: orthonormal(there_and_back(users)), start
    )
    _, rotation = jnp.linalg.eigh(basis.T @ there_and_back(basis))
    leading = basis @ rotation[:, ::-1][:, :rank]
    lengths = jnp.linalg.norm(leading, axis=1, keepdims=True)
    return jnp.where(lengths > _FLOOR, leading / jnp.maximum(lengths, _FLOOR), 0.0)


def orthonormal(columns: jax.Array) -> jax.Array:
    """An orthonormal basis of what the columns span, by the eigenvectors of their inner products.

    Directions that hold next to nothing come out short, never as NaN: there may be fewer than
    columns.

    Args:
      columns: f32[n, m].

    >>> found = orthonormal(jnp.array([[3.0, 3.0], [4.0, 4.0]]))
    >>> [f"{abs(value):.2f}" for value in found[:, 1].tolist()]
    ['0.60', '0.80']
    """
    values, vectors = jnp.linalg.eigh(columns.T @ columns)
    least = jnp.maximum(_FLOOR * values[-1], jnp.finfo(columns.dtype).tiny)
    return columns @ (vectors * jax.lax.rsqrt(jnp.maximum(values, least))[None])
