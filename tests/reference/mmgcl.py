"""MMGCL's loss from its equations, as the models of `tests/reference/models.py`."""

import numpy as np

from tests.reference.models import mean_of_layers
from tests.reference.slmrec import (
    final_streams,
    half_squares,
    layer_zero,
    linear,
    read,
    softmax,
    unit,
)


def mmgcl(
    params,
    graph,
    dropped,
    features,
    draws,
    batch,
    *,
    layers,
    temperature,
    contrast_weight,
    weight_decay,
    views="paper",
):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", and linear maps: of each modality m "map_m"; "read_users" and
        "read_items".
      graph: L, dense, items after users.
      dropped: the same without some edges.
      features: rows of each modality.
      draws: the masked stream, the rows in place of its items, the wrong stream; ids are stream 0.
      batch: (user, item, negative) of each example.
    """
    users, items = read(params, final_streams(params, graph, features, layers))
    bpr = 0.0
    for u, p, n in batch:
        bpr += np.log(1 + np.exp(users[u] @ items[n] - users[u] @ items[p])) / len(batch)
    terms = {"bpr": bpr}
    first = final_streams(params, dropped, features, layers)
    if views == "released":
        terms["contrast_edges"] = plain(params, first, batch, temperature)
        loss = bpr + 2 * contrast_weight * terms["contrast_edges"]
    else:
        masked, random_rows, wrong = draws
        tables = layer_zero(params, features)
        tables[masked] = random_rows
        second = [mean_of_layers(graph, params["users"], items, layers) for items in tables]
        for name, view in (("edges", first), ("mask", second)):
            terms[f"contrast_{name}"] = challenged(params, view, wrong, batch, temperature)
        loss = bpr + contrast_weight * (terms["contrast_edges"] + terms["contrast_mask"])
    terms["parameters_norm"] = half_squares(params)
    return terms | {"loss": loss + weight_decay * terms["parameters_norm"]}


def plain(params, streams, batch, temperature):
    """Each user told its item among those of the batch."""
    users, items = read(params, streams)
    anchors = [unit(users[u]) for u, _, _ in batch]
    return softmax(anchors, [unit(items[p]) for _, p, _ in batch], temperature)


def challenged(params, streams, wrong, batch, temperature):
    """The same, with one more candidate: the item with one block of the negative."""
    users, items = read(params, streams)
    total = 0.0
    for u, p, n in batch:
        blocks = [rows[n if number == wrong else p] for number, (_, rows) in enumerate(streams)]
        one_more = unit(linear(np.concatenate(blocks), params["read_items"]))
        anchor = unit(users[u])
        others = [np.exp(anchor @ unit(items[q]) / temperature) for _, q, _ in batch]
        others.append(np.exp(anchor @ one_more / temperature))
        total += np.log(sum(others)) - anchor @ unit(items[p]) / temperature
    return total / len(batch)
