"""LATTICE from its equations: dense, float64; see `tests.reference.models`."""

import numpy as np

from tests.reference.models import mean_of_layers


def lattice(params, graph, frozen, near, batch, *, weight_decay, **shape):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "modalities", and of each modality m "features_m" and "map_m".
      graph: L, dense, items after users.
      frozen: [J, J] by modality: cosines of the nearest items by features.
      near: i[J, k] by modality: the nearest items by mapped features.
      batch: (user, item, negative) of each example.
      shape: of `rows`.
    """
    users, items = rows(params, graph, frozen, near, **shape)
    terms = {"bpr": 0.0, "rows_norm": 0.0}
    for u, p, n in batch:
        difference = users[u] @ items[n] - users[u] @ items[p]
        terms["bpr"] += np.log(1 + np.exp(difference)) / len(batch)
        squares = sum(row @ row for row in (users[u], items[p], items[n]))
        terms["rows_norm"] += 0.5 * squares / len(batch)
    return terms | {"loss": terms["bpr"] + weight_decay * terms["rows_norm"]}


def rows(params, graph, frozen, near, *, layers, item_layers, frozen_share):
    """The final rows of users and of items."""
    weights = np.exp(params["modalities"]) / np.exp(params["modalities"]).sum()
    learned = kept = 0
    for weight, name in zip(weights, frozen, strict=True):
        cosines = mapped_cosines(params, name)
        listed = np.zeros(cosines.shape)
        np.put_along_axis(listed, near[name], 1.0, axis=1)
        learned = learned + weight * cosines * listed
        kept = kept + weight * _normalised(frozen[name])
    total = (1 - frozen_share) * _normalised(learned) + frozen_share * kept
    users, items = mean_of_layers(graph, params["users"], params["items"], layers)
    added = np.linalg.matrix_power(total, item_layers) @ params["items"]
    return users, items + added / np.sqrt((added**2).sum(axis=1, keepdims=True))


def mapped_cosines(params, name):
    """f64[J, J] of a modality's features through its map."""
    linear = params[f"map_{name}"]
    content = params[f"features_{name}"] @ linear["kernel"] + linear["bias"]
    content = content / np.sqrt((content**2).sum(axis=1, keepdims=True))
    return content @ content.T


def _normalised(matrix):
    side = matrix.sum(axis=1) ** -0.5
    return side[:, None] * matrix * side[None]
