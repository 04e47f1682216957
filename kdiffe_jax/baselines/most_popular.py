"""The baseline without a model: every user is given the most popular unseen items."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.model.encoder import View


def most_popular_view(train: np.ndarray, *, n_users: int, n_items: int) -> View:
    """Embeddings of size 1 whose score is an item's number of training interactions.

    Args:
      train: int[n, 2] of (user, item).
      n_users, n_items: sizes I and J.
    """
    counts = np.bincount(train[:, 1], minlength=n_items).astype(np.float32)
    return View(jnp.ones((n_users, 1)), jnp.asarray(counts)[:, None])
