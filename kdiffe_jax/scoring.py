"""What an item's place is decided by: eq. 7, or a form in which an item's length counts less."""

from __future__ import annotations

import jax

from kdiffe_jax.rowwise import over_length, unit_rows


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
