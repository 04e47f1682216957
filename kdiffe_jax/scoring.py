"""What an item's place is decided by: eq. 7, or a form in which an item's length counts less."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.propagate import multiply
from kdiffe_jax.rowwise import over_length, row_dots, unit_rows
from kdiffe_jax.types import SparseOperator


def scoring_users(users: jax.Array, score: str) -> jax.Array:
    """Users whose inner product with `scoring_items` is the score; f32[n, d] of the same shape.

    The length of a user changes no ranking, but it does change a softmax.
    """
    return unit_rows(users) if score == "cosine" else users


def scoring_items(items: jax.Array, score: str) -> jax.Array:
    """Items as the score takes them.

    Args:
      items: f32[n, d].
      score: inner_product, root_length or cosine: as they are, over the root of their
        length, or of length 1.

    >>> import jax.numpy as jnp
    >>> items = jnp.array([[0.0, 4.0]])
    >>> scores = ("inner_product", "root_length", "cosine")
    >>> [scoring_items(items, score).round(3)[0, 1].item() for score in scores]
    [4.0, 2.0, 1.0]
    """
    if score == "cosine":
        return unit_rows(items)
    return over_length(items, 0.5) if score == "root_length" else items


def with_stand_ins(items: jax.Array, stand_ins: SparseOperator) -> jax.Array:
    """The rows that rank, with the rows of cold items made of their nearest trained items.

    No interaction reaches the embedding of an item that training never saw: what stands
    there is an initial value that was pushed away from everyone as a negative. The mean of
    its nearest trained items says where it belongs. A mean of rows that differ is shorter
    than each of them and would rank behind them all, so only its direction is taken, with
    the mean of their lengths.

    Args:
      items: f32[J, d], as `scoring_items` makes them.
      stand_ins: f32[J, J], `data.cold_items.stand_ins`: rows that are not empty are replaced.

    Returns:
      f32[J, d]; all other rows to the bit as they were.
    """
    lengths = jnp.sqrt(row_dots(items, items))[:, None]
    rows = unit_rows(multiply(stand_ins, items)) * multiply(stand_ins, lengths)
    replaced = stand_ins.row_starts[1:] > stand_ins.row_starts[:-1]
    return jnp.where(replaced[:, None], rows, items)
