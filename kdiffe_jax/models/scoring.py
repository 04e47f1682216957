"""What an item's rank is decided by: eq. 7, or a form in which an item's length counts less."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.row_ops import over_length, row_dots, unit_rows
from kdiffe_jax.ops.sparse_types import SparseOperator
from kdiffe_jax.ops.spmm import multiply


def scoring_users(users: jax.Array, score: str) -> jax.Array:
    """Users whose inner product with `scoring_items` is the score; f32[n, d] of the same shape.

    The length of a user changes no ranking, but it does change a softmax.

    >>> users, items = jnp.array([[3.0, 4.0]]), jnp.array([[0.0, 2.0]])
    >>> inner, root, cosine = (
    ...     float(scoring_users(users, score)[0] @ scoring_items(items, score)[0])
    ...     for score in ("inner_product", "root_length", "cosine")
    ... )
    >>> round(inner, 3), round(cosine, 3), round(root**2, 3)  # 8 x 0.8
    (8.0, 0.8, 6.4)
    """
    return _over_their_length(users, score)


def scoring_items(items: jax.Array, score: str) -> jax.Array:
    """Items as the score takes them.

    Args:
      items: f32[n, d].
      score: inner_product, root_length or cosine: as they are, over the root of their
        length, or of length 1. With `scoring_users`, root_length is the geometric mean of
        the other two.

    >>> items = jnp.array([[0.0, 4.0]])
    >>> scores = ("inner_product", "root_length", "cosine")
    >>> [scoring_items(items, score).round(3)[0, 1].item() for score in scores]
    [4.0, 2.0, 1.0]
    """
    return _over_their_length(items, score)


def _over_their_length(rows: jax.Array, score: str) -> jax.Array:
    if score == "cosine":
        return unit_rows(rows)
    return over_length(rows, 0.5) if score == "root_length" else rows


def with_cold_item_proxies(items: jax.Array, cold_item_proxies: SparseOperator) -> jax.Array:
    """The rows that rank, with the rows of cold items made of their nearest trained items.

    No interaction reaches the embedding of an item that training never saw: what stands
    there is an initial value that was pushed away from everyone as a negative. The mean of
    its nearest trained items says where it belongs. A mean of rows that differ is shorter
    than each of them and would rank behind them all, so only its direction is taken, with
    the mean of their lengths.

    Args:
      items: f32[J, d], as `scoring_items` makes them.
      cold_item_proxies: f32[J, J], `data.cold_item_proxies`: rows that are not empty are replaced.

    Returns:
      f32[J, d]; all other rows to the bit as they were.
    """
    lengths = jnp.sqrt(row_dots(items, items))[:, None]
    rows = unit_rows(multiply(cold_item_proxies, items)) * multiply(cold_item_proxies, lengths)
    replaced = cold_item_proxies.row_starts[1:] > cold_item_proxies.row_starts[:-1]
    return jnp.where(replaced[:, None], rows, items)
