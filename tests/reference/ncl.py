"""NCL's loss from its equations: dense, float64, one loop an example; see `models`."""

import numpy as np

from tests.reference.models import lightgcn


def ncl(
    params,
    graph,
    clusters,
    batch,
    *,
    layers,
    hyper_layers,
    temperature,
    structure_weight,
    structure_item_weight,
    prototype_weight,
    prototype_item_weight,
    norm_weight,
):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users" and "items".
      graph: L, dense, items after users.
      clusters: by "users" and "items", centres and the number of each node's.
      batch: (user, item, negative) of each example.
    """
    first = {"users": params["users"], "items": params["items"]}
    power = np.linalg.matrix_power(graph, 2 * hyper_layers)
    far = power @ np.concatenate([first["users"], first["items"]])
    far = dict(zip(first, np.split(far, [len(first["users"])]), strict=True))
    terms = {"bpr": lightgcn(params, graph, batch, layers=layers, weight_decay=0.0)["bpr"]}
    columns = [
        first["users"][batch[:, 0]],
        first["items"][batch[:, 1]],
        first["items"][batch[:, 2]],
    ]
    terms["norm"] = sum(np.sqrt((rows * rows).sum()) for rows in columns) / len(batch)
    loss = terms["bpr"] + norm_weight * terms["norm"]
    for column, side in enumerate(first):
        nodes, (centres, numbers) = batch[:, column], clusters[side]
        structure = [nce(far[side][n], first[side], n, temperature) for n in nodes]
        prototype = [nce(first[side][n], centres, numbers[n], temperature) for n in nodes]
        terms[f"structure_{side}"] = sum(structure) / len(batch)
        terms[f"prototype_{side}"] = sum(prototype) / len(batch)
        of_items = side == "items"
        weight = structure_weight * (structure_item_weight if of_items else 1.0)
        loss += weight * terms[f"structure_{side}"]
        weight = prototype_weight * (prototype_item_weight if of_items else 1.0)
        loss += weight * terms[f"prototype_{side}"]
    return terms | {"loss": loss}


def nce(anchor, candidates, own, temperature):
    logits = [_unit(anchor) @ _unit(candidate) / temperature for candidate in candidates]
    return np.log(sum(np.exp(logit) for logit in logits)) - logits[own]


def _unit(row):
    return row / np.sqrt(row @ row) if row.any() else row
