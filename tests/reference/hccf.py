"""HCCF's loss from its equations: dense, float64, one loop an example; see `models`."""

import numpy as np

from tests.reference.ncl import nce


def hccf(
    params,
    graphs,
    masks,
    batch,
    *,
    dropout,
    contrast_weight,
    temperature,
    norm_weight,
    hyper_scale=None,
):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users" and "items", and "users_hyper" and "items_hyper" unless `hyper_scale` is set.
      graphs: of every layer L without what was dropped, dense, items after users.
      masks: of every layer 0/1 by side, which entries of H stay.
      batch: (user, item, negative) of each example.
    """
    sides = {"users": params["users"], "items": params["items"]}
    n_users = len(sides["users"])
    nodes = {"users": np.unique(batch[:, 0]), "items": np.unique(batch[:, 1])}
    if hyper_scale is None:
        hyper = {side: rows @ params[f"{side}_hyper"] for side, rows in sides.items()}
    else:
        hyper = {side: hyper_scale * rows for side, rows in sides.items()}
    layer = final = np.concatenate(list(sides.values()))
    contrast = dict.fromkeys(sides, 0.0)
    for graph, mask in zip(graphs, masks, strict=True):
        z = dict(zip(sides, np.split(graph @ layer / (1 - dropout), [n_users]), strict=True))
        x = dict(zip(sides, np.split(layer, [n_users]), strict=True))
        h = {}
        for side in sides:
            left = hyper[side] * mask[side] / (1 - dropout)
            h[side] = left @ (left.T @ x[side])
            among = h[side][nodes[side]]
            for number, node in enumerate(nodes[side]):
                one = nce(z[side][node].real, among, number, temperature)
                contrast[side] += one / len(nodes[side])
        layer = np.concatenate([z[side] + h[side] for side in sides])
        final = final + layer
    users, items = np.split(final, [n_users])
    differences = [users[u] @ (items[p] - items[n]) for u, p, n in batch]
    bpr = sum(np.log(1 + np.exp(-difference)) for difference in differences) / len(batch)
    norm = sum((table * table).sum() for table in params.values())
    total = bpr + contrast_weight * sum(contrast.values()) + norm_weight * norm
    terms = {f"info_nce_{side}": contrast[side] for side in sides}
    return terms | {"bpr": bpr, "squared_norm": norm, "loss": total}
