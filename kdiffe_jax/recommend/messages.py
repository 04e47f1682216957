"""What a user receives through the Laplacian: z_u as an exact sum over past items.

With z = sum_l L^l z^0 (eq. 6) and a bipartite L whose only other entries are loops s,
layer l of user u is z_u^l = s z_u^(l-1) + sum_j L_uj z_j^(l-1). Unrolled over l,

  z_u = (sum_{t=0}^{L} s^t) z_u^0 + sum_j L_uj h_j,   h_j = sum_i (sum_{t=0}^{L-1-i} s^t) z_j^i,

where i runs over the layers 0..L-1 and j over u's past items. s is 0 without
self-loops; then h_j is the sum of item j's layers but the last.
"""

from __future__ import annotations

import numpy as np

from kdiffe_jax.saved_model import SavedModel


def past_rows(model: SavedModel, user: int) -> slice:
    """Where the user's past items stand in `model.train`."""
    return slice(*np.searchsorted(model.train[:, 0], [user, user + 1]))


def messages(model: SavedModel, items: np.ndarray, loops: np.ndarray) -> np.ndarray:
    """h_j for users with loops s: f32[n, d].

    Args:
      model: its layers of items.
      items: i32[n].
      loops: f32[n], s of the user that each message goes to.
    """
    layers = model.about["config"]["layers"]
    powers = loops[:, None] ** np.arange(layers)
    weights = np.cumsum(powers, axis=1)[:, ::-1].astype(np.float32)
    received = np.zeros((len(items), model.items.shape[1]), np.float32)
    for layer in range(layers):
        received += weights[:, layer, None] * model.item_layers[layer, items]
    return received


def own_factor(model: SavedModel, loops: np.ndarray) -> np.ndarray:
    """sum_{t=0}^{L} s^t, by which a node's own layer 0 enters its final embedding."""
    layers = model.about["config"]["layers"]
    return (loops[..., None] ** np.arange(layers + 1)).sum(axis=-1).astype(np.float32)
