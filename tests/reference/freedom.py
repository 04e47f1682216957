"""FREEDOM from its equations: dense, float64; see `tests.reference.models`."""

import numpy as np

from tests.reference.models import mean_of_layers


def freedom(params, graph, links, shares, batch, *, layers, item_layers, content_weight):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", and of each modality m "features_m" and "map_m".
      graph: L of the edges that are left, dense, items after users.
      links: 0/1 [J, J] by modality, the item itself among its nearest.
      shares: of each modality.
      batch: (user, item, negative) of each example.
    """
    users, items = rows(params, graph, links, shares, layers=layers, item_layers=item_layers)
    terms = {"bpr": _bpr(users, items, batch)}
    loss = terms["bpr"]
    for name in links:
        linear = params[f"map_{name}"]
        content = params[f"features_{name}"] @ linear["kernel"] + linear["bias"]
        terms[f"bpr_{name}"] = _bpr(users, content, batch)
        loss += content_weight * terms[f"bpr_{name}"]
    return terms | {"loss": loss}


def rows(params, graph, links, shares, *, layers, item_layers):
    """The final rows of users and of items."""
    total = 0
    for name, near in links.items():
        side = (near.sum(axis=1) + 1e-7) ** -0.5
        total = total + shares[name] * side[:, None] * near * side[None]
    users, items = mean_of_layers(graph, params["users"], params["items"], layers)
    return users, items + np.linalg.matrix_power(total, item_layers) @ params["items"]


def _bpr(users, items, batch):
    return sum(np.log(1 + np.exp(users[u] @ (items[n] - items[p]))) for u, p, n in batch) / len(
        batch
    )
